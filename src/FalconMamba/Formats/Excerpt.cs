namespace FalconMamba.Formats;

/// <summary>Words from a hostile file made fit for an error message: short, on one line, without control characters.</summary>
internal static class Excerpt
{
    private const int Longest = 80;

    /// <summary>The text, cut to a readable length.</summary>
    public static string Of(string text, int longest = Longest)
    {
        var kept = text.Length <= longest ? text : $"{text.AsSpan(0, longest)}…";
        return string.Create(kept.Length, kept, static (line, original) =>
        {
            for (var i = 0; i < line.Length; i++) line[i] = char.IsControl(original[i]) ? '\uFFFD' : original[i];
        });
    }
}
