using System.Collections.Immutable;
using System.Text;
using FalconMamba.Generation.Speculation;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Generation;

/// <summary>
/// Sequences from one prompt: it is read once, each sequence goes on from a fork of the state, and all that still run take
/// their steps together. With beams they are the best ones.
/// </summary>
internal sealed class SequenceBatch
{
    private readonly IModelRunner _model;
    private readonly GenerationOptions _options;
    private readonly Tokenizer? _tokenizer;
    private readonly ImmutableArray<int> _endIds;
    private readonly Sampler _sampler;

    /// <param name="model">The model.</param>
    /// <param name="options">How to generate.</param>
    /// <param name="tokenizer">Makes text; null for ids alone.</param>
    public SequenceBatch(IModelRunner model, GenerationOptions options, Tokenizer? tokenizer)
    {
        (_model, _options, _tokenizer) = (model, options, tokenizer);
        OptionRules.ThrowIfUnknownToken(options, model.Config.VocabSize);
        if (tokenizer is not null) OptionRules.ThrowIfOtherTokenizer(options, tokenizer);
        _endIds = TokenGenerator.EndIds(model, options);
        _sampler = new Sampler(options, _endIds);
    }

    /// <summary>Reads the prompt and generates.</summary>
    /// <param name="state">A past without tokens; used up.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="progress">Told how many tokens of the prompt are read.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    public ImmutableArray<GeneratedSequence> Run(RecurrentState state, ReadOnlyMemory<int> prompt, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        var room = _options.NewTokens(prompt.Length);
        var history = new TokenHistory(prompt.Span);
        var logits = new float[checked(SequenceSteps.Rows(_options) * _model.Config.VocabSize)];
        _model.Forward([new Chunk(state, prompt)], logits, progress: progress, cancellationToken: cancellationToken);
        if (_options.Beams == 1) return Draw(state, logits, history, room, cancellationToken);
        var beams = new BeamSearch(_model, _options, _endIds).Run(state, logits, history, room, cancellationToken);
        return [.. beams.Take(_options.NumReturnSequences ?? 1).Select(beam => beam with { Text = TextOf(beam) })];
    }

    private ImmutableArray<GeneratedSequence> Draw(RecurrentState state, float[] first, TokenHistory history, int room, CancellationToken cancellationToken)
    {
        var count = _options.NumReturnSequences ?? 1;
        var members = new List<Member>(count);
        try
        {
            for (var i = 0; i < count; i++)
            {
                var text = _tokenizer is null ? null : new AnswerPieces(_tokenizer, _options.StopStrings);
                var track = new SequenceTrack(_options, _sampler, _endIds, i == 0 ? history : history.Fork(), room, _model.Config.VocabSize, i, text);
                members.Add(new Member(track, i == count - 1 ? state : state.Fork(), _tokenizer is null ? null : new StringBuilder()));
            }

            if (_options.DraftTokens > 0) StepAhead(members[0], first, cancellationToken);
            else Step(members, first, cancellationToken);
            return [.. members.Select(member => member.Result())];
        }
        finally
        {
            foreach (var member in members)
                if (member.State != state) member.State.Dispose();
        }
    }

    private void Step(List<Member> members, float[] first, CancellationToken cancellationToken)
    {
        var vocabulary = first.Length;
        var logits = new float[members.Count * vocabulary];
        for (var i = 0; i < members.Count; i++) first.CopyTo(logits, i * vocabulary);
        var running = members.ToArray();
        var chunks = new Chunk[running.Length];
        while (true)
        {
            for (var i = 0; i < running.Length; i++) running[i].Choose(logits.AsSpan(i * vocabulary, vocabulary), running[i].State.TokenCount);
            if (Array.Exists(running, member => member.Track.FinishReason != FinishReason.None))
                running = Array.FindAll(running, member => member.Track.FinishReason == FinishReason.None);
            if (running.Length == 0) return;
            for (var i = 0; i < running.Length; i++) chunks[i] = new Chunk(running[i].State, running[i].Next);
            _model.Forward(chunks.AsSpan(0, running.Length), logits, cancellationToken: cancellationToken);
        }
    }

    private void StepAhead(Member member, float[] logits, CancellationToken cancellationToken)
    {
        using var draft = IDraft.Of(_options, _sampler);
        using var steps = new SequenceSteps(_model, _options, draft, member.State, logits);
        while (true)
        {
            member.Choose(steps.Logits, steps.Position, steps.Guess);
            if (member.Track.FinishReason != FinishReason.None) return;
            steps.Advance(member.Next.Span[0], member.Track.History, member.Track.Room, cancellationToken);
        }
    }

    private string? TextOf(GeneratedSequence sequence)
    {
        if (_tokenizer is null) return null;
        var pieces = new AnswerPieces(_tokenizer, []);
        var text = new StringBuilder();
        foreach (var id in sequence.Ids.AsSpan(0, sequence.Ids.Length - (sequence.FinishReason == FinishReason.StopId ? 1 : 0))) text.Append(pieces.Append(id));
        return text.Append(pieces.Finish()).ToString();
    }

    /// <summary>A sequence with its state.</summary>
    private sealed class Member(SequenceTrack track, RecurrentState state, StringBuilder? text)
    {
        private readonly List<int> _ids = [];
        private readonly List<TokenDetails> _details = [];
        private readonly int[] _next = new int[1];

        public SequenceTrack Track => track;

        public RecurrentState State => state;

        /// <summary>The token that comes next.</summary>
        public ReadOnlyMemory<int> Next => _next;

        public void Choose(Span<float> logits, long position, DraftedToken guess = default)
        {
            var id = track.Choose(logits, position, guess);
            _ids.Add(id);
            _next[0] = id;
            if (track.Details is { } details) _details.Add(details);
            text?.Append(track.Piece);
        }

        public GeneratedSequence Result() => new()
        {
            Ids = [.. _ids],
            FinishReason = track.FinishReason,
            Text = text?.ToString(),
            Tokens = [.. _details],
        };
    }
}
