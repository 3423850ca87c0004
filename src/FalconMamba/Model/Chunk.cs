namespace FalconMamba.Model;

/// <summary>Which of a chunk's tokens an output is wanted for.</summary>
public enum RowSelection
{
    /// <summary>None.</summary>
    None,

    /// <summary>The chunk's last token; for a chunk without tokens, the last token that its state has seen.</summary>
    Last,

    /// <summary>Every token.</summary>
    All,
}

/// <summary>A change to the base weights, such as a low-rank one. There is no kind of it yet.</summary>
public abstract class Adapter
{
    private protected Adapter(string name) => Name = name;

    /// <summary>The adapter's name.</summary>
    public string Name { get; }
}

/// <summary>
/// The next tokens of one sequence in a call of <see cref="FalconMambaModel.Forward"/>, and what is wanted of them.
/// </summary>
/// <param name="State">The sequence's past; the call moves it forward over the tokens.</param>
/// <param name="Tokens">The next token ids: one, many, or none to ask for the logits of the last token again.</param>
public readonly record struct Chunk(RecurrentState State, ReadOnlyMemory<int> Tokens)
{
    /// <summary>The tokens whose next-token logits are wanted.</summary>
    public RowSelection Logits { get; init; } = RowSelection.Last;

    /// <summary>The tokens whose final hidden row (after the last norm) is wanted.</summary>
    public RowSelection Hidden { get; init; } = RowSelection.None;

    /// <summary>The change to the base weights for this chunk; null for none.</summary>
    public Adapter? Adapter { get; init; }

    /// <summary>
    /// Keeps the scan's inputs, so that <see cref="IModelRunner.RollBack"/> can put the state back to any token of this chunk,
    /// until it moves on. Takes the memory of a second state and 4 MB a token at 7B, which the state holds on to for the next time.
    /// </summary>
    public bool KeepScanInputs { get; init; }

    internal static int Count(RowSelection rows, int tokens) => rows switch
    {
        RowSelection.None => 0,
        RowSelection.Last => 1,
        _ => tokens,
    };
}
