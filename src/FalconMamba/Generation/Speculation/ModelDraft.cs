using FalconMamba.Model;

namespace FalconMamba.Generation.Speculation;

/// <summary>
/// A small model that goes ahead, with the options of the large one: the likeliest tokens, or draws whose distribution it
/// tells. It keeps a state for each token that it has gone ahead, so that it reads nothing again of what comes true.
/// </summary>
internal sealed class ModelDraft : IDraft
{
    private readonly IModelRunner _model;
    private readonly Sampler _sampler;
    private readonly double _confidence;
    private readonly float[] _logits;
    private readonly int[] _next = new int[1];

    // The first has read what is certain, and each other one token of `_ahead` more.
    private readonly RecurrentState?[] _states;
    private readonly int[] _ahead;
    private int _aheadCount;

    /// <param name="model">The small model.</param>
    /// <param name="sampler">Chooses tokens for the large one.</param>
    /// <param name="most">How many tokens it goes ahead at most.</param>
    /// <param name="confidence">Behind a token less likely than this it goes no further.</param>
    public ModelDraft(IModelRunner model, Sampler sampler, int most, double confidence)
    {
        (_model, _sampler, _confidence) = (model, sampler, confidence);
        _logits = new float[model.Config.VocabSize];
        _states = new RecurrentState?[most];
        _ahead = new int[most];
    }

    public void Propose(TokenHistory history, long position, Proposal proposal, int most, CancellationToken cancellationToken)
    {
        Follow(history.Ids);
        var state = State(0);
        _model.Forward([new Chunk(state, history.Memory[(int)state.TokenCount..])], _logits, cancellationToken: cancellationToken);
        var known = history.Count;
        try
        {
            while (true)
            {
                var id = _sampler.Draft(_logits, position, history, proposal, out var chance);
                // Whether another one comes may depend on tokens that are proposed, else what is proposed would not be what was drawn.
                if (proposal.Count == most || chance < _confidence) return;
                history.Append(id);
                Step(id, cancellationToken);
            }
        }
        finally
        {
            history.Truncate(known);
        }
    }

    public void Dispose()
    {
        foreach (var state in _states) state?.Dispose();
    }

    /// <summary>Goes back to the last token that came true.</summary>
    private void Follow(ReadOnlySpan<int> ids)
    {
        if (_aheadCount == 0) return;
        var read = (int)_states[0]!.TokenCount;
        var common = _ahead.AsSpan(0, _aheadCount).CommonPrefixLength(ids[read..]);
        (_states[0], _states[common]) = (_states[common], _states[0]);
        _aheadCount = 0;
    }

    private void Step(int id, CancellationToken cancellationToken)
    {
        var state = State(_aheadCount + 1);
        state.CopyFrom(State(_aheadCount));
        _next[0] = id;
        _model.Forward([new Chunk(state, _next)], _logits, cancellationToken: cancellationToken);
        _ahead[_aheadCount++] = id;
    }

    private RecurrentState State(int place) => _states[place] ??= _model.CreateState();
}
