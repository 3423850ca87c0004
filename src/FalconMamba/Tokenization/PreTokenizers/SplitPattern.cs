namespace FalconMamba.Tokenization.PreTokenizers;

/// <summary>Finds delimiters in a piece of text.</summary>
internal abstract class SplitPattern
{
    /// <summary>Appends the matches, in order and without overlap, as start and end in <paramref name="text"/>.</summary>
    public abstract void FindMatches(ReadOnlySpan<char> text, List<(int Start, int End)> matches);
}
