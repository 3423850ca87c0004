using FalconMamba.Generation;
using FalconMamba.Model;

namespace FalconMamba.Engine;

/// <summary>What an engine is asked to generate.</summary>
public sealed record GenerationRequest
{
    /// <summary>The next tokens; may be empty if the state has seen some.</summary>
    public required ReadOnlyMemory<int> Prompt { get; init; }

    /// <summary>How tokens are chosen and when to stop. Beams and several sequences are not for streams.</summary>
    public GenerationOptions Options { get; init; } = new();

    /// <summary>
    /// The sequence's past, which is moved over the prompt and all generated tokens but the last; null for none. It is the
    /// engine's until <see cref="GeneratedTokens.Completion"/>, and stays its owner's to dispose: give a fork where the past is
    /// needed again.
    /// </summary>
    public RecurrentState? State { get; init; }

    /// <summary>
    /// The tokens that the state has seen, and the pending one if the prompt begins with it; prompt and output are added. Null
    /// for a state without a past, and where nothing looks at them.
    /// </summary>
    public TokenHistory? History { get; init; }

    /// <summary>
    /// For whom it is: owners get equal shares of what is scarce, and none finds states that were kept for another. Requests
    /// that name none have one owner together.
    /// </summary>
    public string? Owner { get; init; }

    /// <summary>Greater ones begin before lesser ones, and their prompts are read first.</summary>
    public int Priority { get; init; }

    /// <summary>The change to the base weights; null for none.</summary>
    public Adapter? Adapter { get; init; }

    /// <summary>Whether special tokens are left out of the text.</summary>
    public bool SkipSpecialTokens { get; init; } = true;
}
