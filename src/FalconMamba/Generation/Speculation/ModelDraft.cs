using FalconMamba.Model;

namespace FalconMamba.Generation.Speculation;

/// <summary>
/// A small model that goes ahead, with the options of the large one: the likeliest tokens, or draws whose distribution it
/// tells. It keeps a state for each token that it has gone ahead, so that it reads nothing again of what comes true, and one
/// behind the last prompt, so that of a text that goes on from there it reads only what is new.
/// </summary>
internal sealed class ModelDraft : IDraft
{
    private readonly IModelRunner _model;
    private readonly Sampler _sampler;
    private readonly double _confidence;
    private readonly float[] _logits;
    private readonly int[] _next = new int[1];

    // The first has read the first ones of `_read`, and each other one token of `_ahead` more.
    private readonly RecurrentState?[] _states;
    private readonly TokenHistory _read = new();
    private readonly int[] _ahead;
    private int _aheadCount;
    private RecurrentState? _behindPrompt;

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
        GoBack(history.Ids);
        Read(history, cancellationToken);
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
        foreach (ref var state in _states.AsSpan()) Release(ref state);
        Release(ref _behindPrompt);
        _aheadCount = 0;
    }

    /// <summary>Goes back to the last place that is in the text.</summary>
    private void GoBack(ReadOnlySpan<int> ids)
    {
        var state = State(0);
        var read = (int)state.TokenCount;
        var agreed = ids.CommonPrefixLength(_read.Ids[..read]);
        if (agreed == read)
        {
            var common = _ahead.AsSpan(0, _aheadCount).CommonPrefixLength(ids[read..]);
            (_states[0], _states[common]) = (_states[common], _states[0]);
        }
        else if (_behindPrompt is { } behind && behind.TokenCount <= agreed)
        {
            state.CopyFrom(behind);
        }
        else
        {
            state.Reset();
            _behindPrompt?.Reset();
        }

        _aheadCount = 0;
    }

    /// <summary>Reads what is certain.</summary>
    private void Read(TokenHistory history, CancellationToken cancellationToken)
    {
        var state = State(0);
        // A call that is cancelled has read the first ones.
        _read.CopyFrom(history);
        if (state.TokenCount < history.PromptLength)
        {
            _model.Forward([new Chunk(state, history.Memory[(int)state.TokenCount..history.PromptLength]) { Logits = RowSelection.None }], [], cancellationToken: cancellationToken);
            (_behindPrompt ??= _model.CreateState()).CopyFrom(state);
        }

        _model.Forward([new Chunk(state, history.Memory[(int)state.TokenCount..])], _logits, cancellationToken: cancellationToken);
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

    private static void Release(ref RecurrentState? state)
    {
        state?.Dispose();
        state = null;
    }
}
