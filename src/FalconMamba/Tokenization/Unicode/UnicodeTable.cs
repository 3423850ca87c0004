using System.Globalization;

namespace FalconMamba.Tokenization.Unicode;

/// <summary>Reads the embedded tables that <c>make_tables.py</c> wrote.</summary>
internal static class UnicodeTable
{
    /// <summary>The lines of a table: its first word and the others.</summary>
    public static IEnumerable<(string Key, string[] Words)> ReadLines(string name)
    {
        using var text = new StreamReader(typeof(UnicodeTable).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The assembly lacks its table {name}."));
        while (text.ReadLine() is { } line)
            if (line.Length > 0 && line[0] != '#' && line.Split(' ') is [var key, .. var words]) yield return (key, words);
    }

    /// <summary>A code point in hexadecimal.</summary>
    public static int ParseCodePoint(ReadOnlySpan<char> word) =>
        int.Parse(word, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    /// <summary>One code point or an inclusive range <c>A-B</c>.</summary>
    public static Range ParseRange(string word)
    {
        var dash = word.IndexOf('-', StringComparison.Ordinal);
        return dash < 0
            ? ParseCodePoint(word)..(ParseCodePoint(word) + 1)
            : ParseCodePoint(word.AsSpan(0, dash))..(ParseCodePoint(word.AsSpan(dash + 1)) + 1);
    }
}
