using System.Collections.Immutable;
using FalconMamba.Model;

namespace FalconMamba.Generation;

/// <summary>
/// Keeps the sequences with the largest log probability and goes on with all of them, one batch a step; a beam is a fork of
/// the state. Step by step as transformers' <c>_beam_search</c>: processors change log probabilities, only the first
/// <c>num_beams</c> continuations of a step may end, and <c>early_stopping</c> has its three meanings. With
/// <c>do_sample</c>, continuations are drawn without replacement instead of taking the likeliest.
/// </summary>
internal sealed class BeamSearch
{
    private readonly IModelRunner _model;
    private readonly GenerationOptions _options;
    private readonly ImmutableArray<int> _endIds;
    private readonly LogitsPipeline _pipeline;
    private readonly Candidates _candidates = new();
    private readonly PriorityQueue<Continuation, Continuation> _best = new(Comparer<Continuation>.Create((a, b) => b.CompareTo(a)));
    private readonly int _vocabulary;
    private readonly int _width;
    private readonly float[] _raw;

    /// <param name="model">The model.</param>
    /// <param name="options">How to search, already checked.</param>
    /// <param name="endIds">What ends a sequence.</param>
    public BeamSearch(IModelRunner model, GenerationOptions options, ImmutableArray<int> endIds)
    {
        (_model, _options, _endIds) = (model, options, endIds);
        _pipeline = new LogitsPipeline(options, endIds);
        (_vocabulary, _width) = (model.Config.VocabSize, options.Beams);
        _raw = options.WantsDetails ? new float[checked(_width * _vocabulary)] : [];
    }

    /// <summary>Searches.</summary>
    /// <param name="state">The state behind the prompt; it stays there.</param>
    /// <param name="logits">The logits behind the prompt [V].</param>
    /// <param name="history">The tokens so far; it stays so.</param>
    /// <param name="room">How many tokens may come.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>The best sequences, as many as there are beams or fewer, best first.</returns>
    public List<GeneratedSequence> Run(RecurrentState state, ReadOnlySpan<float> logits, TokenHistory history, int room, CancellationToken cancellationToken)
    {
        var beams = new List<Beam>(_width);
        try
        {
            // The first step has only one beam to go on from.
            for (var i = 0; i < _width; i++) beams.Add(new Beam(i == 0 ? state.Fork() : _model.CreateState(), history.Fork()));
            return Search(beams, logits, history.Count, room, cancellationToken);
        }
        finally
        {
            foreach (var beam in beams) beam.Dispose();
        }
    }

    private List<GeneratedSequence> Search(List<Beam> beams, ReadOnlySpan<float> first, int promptLength, int room, CancellationToken cancellationToken)
    {
        var rows = new float[checked(_width * _vocabulary)];
        first.CopyTo(rows);
        var chunks = new Chunk[_width];
        var finished = new List<GeneratedSequence>();
        var running = 1;
        for (var length = 1; ; length++)
        {
            var continuations = Best(beams, running, rows, beams[0].State.TokenCount);
            var next = new List<Continuation>(_width);
            for (var rank = 0; rank < continuations.Count; rank++)
            {
                var continuation = continuations[rank];
                var ends = _endIds.Contains(continuation.Id);
                if (!ends && length < room) next.Add(continuation);
                else if (rank < _width) finished.Add(End(beams, continuation, ends, length, promptLength, rows));
            }

            Trim(finished);
            next = [.. next.OrderByDescending(continuation => continuation.Score).Take(_width)];
            if (next.Count == 0 || !GoesOn(finished, next[0].Score, length, room)) return finished;
            running = Branch(beams, next, rows);
            for (var i = 0; i < running; i++) chunks[i] = new Chunk(beams[i].State, beams[i].Next);
            _model.Forward(chunks.AsSpan(0, running), rows, cancellationToken: cancellationToken);
        }
    }

    // The best continuations of all beams, best first: enough that as many as there are beams go on, whatever ends.
    private List<Continuation> Best(List<Beam> beams, int running, float[] rows, long position)
    {
        var count = checked(Math.Max(2, 1 + _endIds.Length) * _width);
        if (_options.WantsDetails) rows.AsSpan(0, running * _vocabulary).CopyTo(_raw);
        for (var beam = 0; beam < running; beam++)
        {
            var row = rows.AsSpan(beam * _vocabulary, _vocabulary);
            var place = new DrawPlace(_options.Seed, position, beam);
            LogSoftmax.Apply(row);
            _pipeline.Process(beams[beam].History.Ids, beams[beam].History.PromptLength, row);
            _candidates.Load(row);
            _pipeline.Filter(_candidates, place);
            if (_pipeline.Renormalizes) _candidates.Normalize();
            if (_options.OutputScores) _candidates.CopyTo(row);
            if (_options.DoSample != true) _candidates.KeepLargest(count);
            for (var i = 0; i < _candidates.Count; i++)
            {
                var score = beams[beam].Score + _candidates.Logits[i];
                var continuation = new Continuation(beam, _candidates.Ids[i], score, _options.DoSample == true ? score + Gumbel(place, _candidates.Ids[i]) : score);
                if (_best.Count < count) _best.Enqueue(continuation, continuation);
                else _best.EnqueueDequeue(continuation, continuation);
            }
        }

        var best = new List<Continuation>(_best.Count);
        while (_best.TryDequeue(out var continuation, out _)) best.Add(continuation);
        best.Reverse();
        return best;
    }

    // The largest of log probabilities with such noise are draws without replacement (Kool and others 2019).
    private static double Gumbel(in DrawPlace place, int id) => -Math.Log(-Math.Log(Math.Max(place.Uniform(DrawPurpose.Beam, id), double.Epsilon)));

    private GeneratedSequence End(List<Beam> beams, Continuation continuation, bool isEnd, int length, int promptLength, float[] rows) =>
        beams[continuation.Beam].End(
            continuation.Id,
            promptLength,
            continuation.Score / Math.Pow(length, _options.LengthPenalty ?? 1),
            isEnd ? FinishReason.StopId : FinishReason.Length,
            DetailsOf(continuation, rows));

    private TokenDetails? DetailsOf(Continuation continuation, float[] rows) => _options.WantsDetails
        ? TokenDetails.Of(_options, continuation.Id, _raw.AsSpan(continuation.Beam * _vocabulary, _vocabulary), rows.AsSpan(continuation.Beam * _vocabulary, _vocabulary))
        : null;

    private void Trim(List<GeneratedSequence> finished)
    {
        var best = finished.OrderByDescending(sequence => sequence.Score).Take(_width).ToList();
        finished.Clear();
        finished.AddRange(best);
    }

    private bool GoesOn(List<GeneratedSequence> finished, double bestRunning, int length, int room)
    {
        if (finished.Count < _width) return true;
        var stopping = _options.EarlyStopping ?? EarlyStopping.False;
        if (stopping == EarlyStopping.True) return false;
        var penalty = _options.LengthPenalty ?? 1;
        var hoped = Math.Pow(stopping == EarlyStopping.Never && penalty > 0 ? room : length, penalty);
        return bestRunning / hoped > finished[^1].Score;
    }

    // Puts the beams to go on with first. The first child of a beam is the beam itself, the others take over idle ones.
    private int Branch(List<Beam> beams, List<Continuation> next, float[] rows)
    {
        var details = next.Select(continuation => DetailsOf(continuation, rows)).ToArray();
        var children = new Beam?[next.Count];
        var idle = new Stack<Beam>(beams.Where((_, beam) => !next.Exists(continuation => continuation.Beam == beam)));
        for (var i = 0; i < children.Length; i++)
        {
            var parent = beams[next[i].Beam];
            children[i] = Array.IndexOf(children, parent) < 0 ? parent : idle.Pop();
            if (children[i] != parent) children[i]!.CopyFrom(parent);
        }

        for (var i = 0; i < children.Length; i++) children[i]!.Append(next[i].Id, next[i].Score, details[i]);
        beams.Clear();
        beams.AddRange(children!);
        beams.AddRange(idle);
        return children.Length;
    }

    /// <summary>A beam with one more token.</summary>
    /// <param name="Beam">Which beam.</param>
    /// <param name="Id">The token.</param>
    /// <param name="Score">The log probability with it.</param>
    /// <param name="Key">What it is chosen by: the score, or a draw.</param>
    private readonly record struct Continuation(int Beam, int Id, double Score, double Key) : IComparable<Continuation>
    {
        // The better one is less; among equals the earlier beam and the lower id.
        public int CompareTo(Continuation other) => other.Key.CompareTo(Key) is not 0 and var byKey ? byKey
            : Beam.CompareTo(other.Beam) is not 0 and var byBeam ? byBeam : Id.CompareTo(other.Id);
    }
}
