using FalconMamba.Model;

namespace FalconMamba.Generation;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>It has not: the enumeration was left early.</summary>
    None,

    /// <summary>As many tokens as were asked for are there.</summary>
    Length,

    /// <summary>A stop id came.</summary>
    StopId,

    /// <summary>A stop string came.</summary>
    StopString,
}

/// <summary>
/// Token by token: forward, sample, repeat. Knows ids only; <see cref="TextGenerator"/> adds the text. One generation at a
/// time.
/// </summary>
public sealed class TokenGenerator
{
    private readonly IModelRunner _model;
    private readonly GenerationOptions _options;
    private readonly Sampler _sampler;
    private readonly float[] _logits;
    private readonly int[] _next = new int[1];

    /// <summary>A generator for one model and fixed options.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How tokens are chosen and when to stop; null for the defaults.</param>
    public TokenGenerator(IModelRunner model, GenerationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _options = options ?? new GenerationOptions();
        _sampler = new Sampler(_options);
        _logits = new float[model.Config.VocabSize];
    }

    /// <summary>Why the last generation ended.</summary>
    public FinishReason FinishReason { get; private set; }

    /// <summary>
    /// The last token, which was chosen but not yet read into the state; null before the first. Who keeps the state puts it
    /// at the front of the next chunk.
    /// </summary>
    public int? Pending { get; private set; }

    /// <summary>Whether a token ends the text: a stop id of the options, or an end token of the model.</summary>
    public bool IsStop(int id) =>
        _options.StopIds.Contains(id) || (!_options.IgnoreEos && _model.Config.EosTokenIds.Contains(id));

    /// <summary>
    /// Reads the prompt and generates. The draws are indexed by the token's position in the sequence, so that a saved
    /// session goes on as if it had never stopped.
    /// </summary>
    /// <param name="state">The sequence's past; moved over the prompt and all generated tokens but the last.</param>
    /// <param name="prompt">The next tokens; may be empty if the state has seen some.</param>
    /// <param name="progress">Told how many tokens of the prompt are read.</param>
    /// <param name="cancellationToken">Looked at before every token and inside long prompts.</param>
    /// <returns>The chosen ids as they come, a stop id included.</returns>
    /// <exception cref="ArgumentException">There is nothing to go on from, or a token is not in the vocabulary.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the state is at the token its count tells.</exception>
    public IEnumerable<int> Generate(
        RecurrentState state, ReadOnlyMemory<int> prompt, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(state);
        FinishReason = FinishReason.None;
        Pending = null;
        _model.Forward([new Chunk(state, prompt)], _logits, progress: progress, cancellationToken: cancellationToken);
        return Continue(state, cancellationToken);
    }

    private IEnumerable<int> Continue(RecurrentState state, CancellationToken cancellationToken)
    {
        for (var count = 1; ; count++)
        {
            var id = _sampler.Sample(_logits, state.TokenCount);
            Pending = id;
            if (IsStop(id)) FinishReason = FinishReason.StopId;
            else if (count == _options.MaxNewTokens) FinishReason = FinishReason.Length;
            yield return id;
            if (FinishReason != FinishReason.None) yield break;
            _next[0] = id;
            _model.Forward([new Chunk(state, _next)], _logits, cancellationToken: cancellationToken);
            Pending = null;
        }
    }
}
