using System.Collections.Immutable;
using FalconMamba.Generation.Speculation;
using FalconMamba.Model;

namespace FalconMamba.Generation;

/// <summary>
/// Token by token: forward, choose, repeat. Knows ids only; <see cref="TextGenerator"/> adds the text. One generation at a
/// time. An assistant keeps its state from one to the next, so that of a text that goes on it reads only what is new.
/// </summary>
public sealed class TokenGenerator : IDisposable
{
    // More room than this is made when it is needed.
    private const int ReservedTokens = 1 << 16;

    private readonly IModelRunner _model;
    private readonly GenerationOptions _options;
    private readonly Sampler _sampler;
    private readonly IDraft? _draft;
    private readonly ImmutableArray<int> _endIds;
    private readonly float[] _logits;

    /// <summary>A generator for one model and fixed options.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How tokens are chosen and when to stop; null for the defaults.</param>
    /// <exception cref="ArgumentException">A setting would have no effect, asks for several sequences, or holds a token that the vocabulary lacks.</exception>
    public TokenGenerator(IModelRunner model, GenerationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _options = options ?? new GenerationOptions();
        OptionRules.ThrowIfUnknownToken(_options, model.Config.VocabSize);
        if (_options.NumReturnSequences > 1)
            throw new ArgumentException("num_return_sequences asks for several sequences, a stream is one: use Generate.", nameof(options));
        _endIds = EndIds(model, _options);
        _sampler = new Sampler(_options, _endIds);
        _draft = IDraft.Of(_options, _sampler);
        _logits = new float[checked(SequenceSteps.Rows(_options) * model.Config.VocabSize)];
    }

    /// <summary>Why the last generation ended.</summary>
    public FinishReason FinishReason { get; private set; }

    /// <summary>
    /// The last token, which was chosen but not yet read into the state; null before the first. Who keeps the state puts it
    /// at the front of the next chunk.
    /// </summary>
    public int? Pending { get; private set; }

    /// <summary>What the options ask to be kept of the last token; null if it is nothing.</summary>
    public TokenDetails? Details { get; private set; }

    /// <summary>How many tokens of the last generation were guessed ahead, and how many of them came true.</summary>
    public SpeculationCounts Speculation { get; private set; }

    /// <summary>Whether choices depend on the tokens before them, so that a state with a past needs its history.</summary>
    public bool NeedsHistory => _sampler.NeedsHistory;

    /// <summary>Whether a token ends the text: a stop id of the options, or an end token of the model.</summary>
    public bool IsStop(int id) => _endIds.Contains(id);

    /// <summary>
    /// Reads the prompt and generates. The draws are indexed by the token's position in the sequence, so that a saved
    /// session goes on as if it had never stopped.
    /// </summary>
    /// <param name="state">
    /// The sequence's past; moved over the prompt and all generated tokens but the last. Where tokens are guessed ahead, it is at
    /// that place when the ids are all taken or no more are asked for, and further while they are.
    /// </param>
    /// <param name="prompt">The next tokens; may be empty if the state has seen some.</param>
    /// <param name="history">
    /// The tokens that the state has seen, and the pending one if the prompt begins with it; prompt and output are added. Null
    /// for a state without a past, and where nothing looks at them.
    /// </param>
    /// <param name="progress">Told how many tokens of the prompt are read.</param>
    /// <param name="cancellationToken">Looked at before every token and inside long prompts.</param>
    /// <returns>The chosen ids as they come, a stop id included; with beams those of the best one, when it is found.</returns>
    /// <exception cref="ArgumentException">
    /// There is nothing to go on from, a token is not in the vocabulary, there is no room for a token, or the history is
    /// missing or another state's.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled; the state is at the token its count tells.</exception>
    public IEnumerable<int> Generate(
        RecurrentState state, ReadOnlyMemory<int> prompt, TokenHistory? history = null, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(state);
        FinishReason = FinishReason.None;
        Pending = null;
        Details = null;
        Speculation = default;
        var room = _options.NewTokens(state.TokenCount + prompt.Length);
        var tokens = WithPrompt(history, state.TokenCount, prompt.Span, NeedsHistory, _model.Config.VocabSize);
        tokens.Reserve(Math.Min(room, ReservedTokens));
        _model.Forward([new Chunk(state, prompt)], _logits, progress: progress, cancellationToken: cancellationToken);
        return _options.Beams > 1
            ? Search(state, tokens, room, cancellationToken)
            : Continue(state, new SequenceTrack(_options, _sampler, _endIds, tokens, room, _model.Config.VocabSize), cancellationToken);
    }

    /// <summary>Releases the assistant's state; a generation after that begins it anew.</summary>
    public void Dispose() => _draft?.Dispose();

    /// <summary>The tokens that end a text of a model.</summary>
    internal static ImmutableArray<int> EndIds(IModelRunner model, GenerationOptions options) =>
        [.. options.EndIds(model.Config.EosTokenIds).Where(id => id < model.Config.VocabSize).Distinct()];

    /// <summary>The history of a state moved over a prompt; a new one where none is given.</summary>
    /// <param name="history">The tokens that the state has seen, and the pending one if the prompt begins with it.</param>
    /// <param name="seen">How many tokens the state has seen.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="isNeeded">Whether anything looks at the tokens before.</param>
    /// <param name="vocabulary">How many tokens there are.</param>
    /// <exception cref="ArgumentException">The history is missing, or another state's.</exception>
    internal static TokenHistory WithPrompt(TokenHistory? history, long seen, ReadOnlySpan<int> prompt, bool isNeeded, int vocabulary)
    {
        if (history is null && seen > 0 && isNeeded)
            throw new ArgumentException("The options look at the tokens before, and the state does not tell them: give its history.", nameof(history));
        history ??= new TokenHistory();
        // A token that was chosen and not read yet stands in both.
        var known = seen == 0 || history.Count > 0 ? history.Count - seen : 0;
        if (known < 0 || known > prompt.Length || !prompt[..(int)known].SequenceEqual(history.Ids[^(int)known..]))
            throw new ArgumentException($"The history has {history.Count} tokens and is not that of the state, which has seen {seen}.", nameof(history));
        foreach (var id in history.Ids)
            if ((uint)id >= (uint)vocabulary) throw new ArgumentException($"The history holds token {id}, the vocabulary has {vocabulary}.", nameof(history));
        history.AppendPrompt(prompt[(int)known..]);
        return history;
    }

    private IEnumerable<int> Continue(RecurrentState state, SequenceTrack track, CancellationToken cancellationToken)
    {
        using var steps = new SequenceSteps(_model, _options, _draft, state, _logits);
        while (true)
        {
            var id = track.Choose(steps.Logits, steps.Position, steps.Guess);
            (Pending, Details, FinishReason, Speculation) = (id, track.Details, track.FinishReason, steps.CountWith(id));
            yield return id;
            if (FinishReason != FinishReason.None) yield break;
            steps.Advance(id, track.History, track.Room, cancellationToken);
            Pending = null;
        }
    }

    // The state follows when the best beam is known: one chunk is cheaper than a state for every finished one.
    private IEnumerable<int> Search(RecurrentState state, TokenHistory history, int room, CancellationToken cancellationToken)
    {
        var best = new BeamSearch(_model, _options, _endIds).Run(state, _logits, history, room, cancellationToken)[0];
        // First, for who cancels the reading finds all that the state may have read.
        foreach (var id in best.Ids) history.Append(id);
        if (best.Ids.Length > 1)
            _model.Forward([new Chunk(state, best.Ids.AsMemory()[..^1]) { Logits = RowSelection.None }], [], cancellationToken: cancellationToken);
        Pending = best.Ids[^1];
        for (var i = 0; i < best.Ids.Length; i++)
        {
            if (i == best.Ids.Length - 1) FinishReason = best.FinishReason;
            Details = best.Tokens.IsEmpty ? null : best.Tokens[i];
            yield return best.Ids[i];
        }
    }
}
