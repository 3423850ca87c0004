namespace FalconMamba.Model;

/// <summary>
/// What a device offers: a fresh past, and forward passes over it. A graphics processor implements this whole, not
/// operation by operation.
/// </summary>
public interface IModelRunner : IDisposable
{
    /// <summary>The model's shape.</summary>
    FalconMambaConfig Config { get; }

    /// <summary>Identifies weights and shape: a state belongs to models with an equal fingerprint.</summary>
    string Fingerprint { get; }

    /// <summary>A past without tokens.</summary>
    RecurrentState CreateState();

    /// <summary>Moves the chunks' states over their tokens and gives what was asked of them.</summary>
    /// <param name="chunks">Any number of chunks of any lengths; a state takes part once.</param>
    /// <param name="logits">
    /// Room for the logits [rows wanted, vocabulary], in the order of the chunks and of their tokens.
    /// </param>
    /// <param name="hidden">Room for the final hidden rows [rows wanted, H], in the same order.</param>
    /// <param name="tap">Sees activations; null costs nothing.</param>
    /// <param name="progress">Told how many of the call's tokens are done, after each part.</param>
    /// <param name="cancellationToken">
    /// Looked at between parts of <see cref="ModelOptions.PrefillChunkSize"/> tokens: a cancelled call leaves every state at
    /// the token its <see cref="RecurrentState.TokenCount"/> tells.
    /// </param>
    /// <exception cref="ArgumentException">A chunk or a span does not fit the model; nothing has happened.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    void Forward(
        ReadOnlySpan<Chunk> chunks,
        Span<float> logits,
        Span<float> hidden = default,
        IActivationTap? tap = null,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default);

    /// <summary>
    /// Puts a state back to a token of its last chunk, bit for bit as if only the tokens before had been in the chunk. The
    /// chunk stays kept: the state can be put to another of its tokens afterwards.
    /// </summary>
    /// <param name="state">A state whose last chunk kept its scan inputs (<see cref="Chunk.KeepScanInputs"/>).</param>
    /// <param name="tokenCount">How many tokens it is to have seen: from the number before the chunk to that behind it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The state cannot be put there; it has not moved.</exception>
    void RollBack(RecurrentState state, long tokenCount);
}
