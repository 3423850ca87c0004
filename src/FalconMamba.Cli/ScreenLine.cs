namespace FalconMamba.Cli;

/// <summary>A name or words from a file made fit for a line on a screen: a control character would move the cursor, or worse.</summary>
internal static class ScreenLine
{
    /// <summary>The text with U+FFFD in place of control characters, line ends among them.</summary>
    public static string Of(string text) => string.Create(text.Length, text, static (line, original) =>
    {
        for (var i = 0; i < line.Length; i++) line[i] = char.IsControl(original[i]) ? '\uFFFD' : original[i];
    });
}
