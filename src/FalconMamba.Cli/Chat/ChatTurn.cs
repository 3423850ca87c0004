namespace FalconMamba.Cli.Chat;

/// <summary>A message of a chat.</summary>
/// <param name="Role">Whose it is.</param>
/// <param name="Text">Its text.</param>
internal sealed record ChatTurn(string Role, string Text)
{
    public const string System = "system", User = "user", Assistant = "assistant";

    /// <summary>The tokens that an answer was generated as; null where they are not the text's.</summary>
    public int[]? Ids { get; init; }

    /// <summary>How many characters of a question are files' and stood before what the user typed.</summary>
    public int FileLength { get; init; }
}
