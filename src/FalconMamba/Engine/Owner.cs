namespace FalconMamba.Engine;

/// <summary>An owner of running sequences, and what it got.</summary>
/// <param name="name">Its name; null for the one that has none.</param>
internal sealed class Owner(string? name)
{
    /// <summary>Its name; null for the one that has none.</summary>
    public string? Name => name;

    /// <summary>How many sequences it runs.</summary>
    public int Running { get; set; }

    /// <summary>The tokens of prompts that it has in this step.</summary>
    public int Share { get; set; }

    /// <summary>The last step in which it got some.</summary>
    public long LastTurn { get; set; }
}
