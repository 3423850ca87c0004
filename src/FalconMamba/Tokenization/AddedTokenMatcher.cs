using System.Buffers;
using System.Globalization;
using System.Text;
using FalconMamba.Tokenization.Unicode;

namespace FalconMamba.Tokenization;

/// <summary>A place where an added token stands.</summary>
/// <param name="Id">The token's id.</param>
/// <param name="Start">Its first char, white space that it takes along included.</param>
/// <param name="End">The char after it, white space included.</param>
internal readonly record struct AddedTokenMatch(int Id, int Start, int End);

/// <summary>Finds added tokens: at the leftmost place the longest.</summary>
internal sealed class AddedTokenMatcher
{
    private const int Root = 0;

    // A trie: the node that follows a node over a char, and the token that ends at a node.
    private readonly Dictionary<(int Node, char Next), int> _edges = [];
    private readonly List<AddedToken?> _tokenAt = [null];
    private readonly SearchValues<char> _firstChars;

    /// <summary>Prepares the search.</summary>
    /// <param name="tokens">The tokens, each with the text that stands for it.</param>
    public AddedTokenMatcher(IEnumerable<(string Content, AddedToken Token)> tokens)
    {
        var firstChars = new HashSet<char>();
        foreach (var (content, token) in tokens)
        {
            if (content.Length == 0) continue;
            firstChars.Add(content[0]);
            var node = Root;
            foreach (var c in content)
            {
                if (!_edges.TryGetValue((node, c), out var next))
                {
                    _edges[(node, c)] = next = _tokenAt.Count;
                    _tokenAt.Add(null);
                }

                node = next;
            }

            _tokenAt[node] = token;
        }

        _firstChars = SearchValues.Create([.. firstChars]);
        IsEmpty = firstChars.Count == 0;
    }

    /// <summary>Whether there is no token to find.</summary>
    public bool IsEmpty { get; }

    /// <summary>Finds the first token at or after <paramref name="from"/>.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="from">Where the token before ended.</param>
    /// <param name="isTrusted">Whether a special token may stand at a start and an end; null for everywhere.</param>
    /// <param name="match">The token found.</param>
    public bool TryFind(ReadOnlySpan<char> text, int from, Func<int, int, bool>? isTrusted, out AddedTokenMatch match)
    {
        for (var start = from; start < text.Length; start++)
        {
            var skipped = text[start..].IndexOfAny(_firstChars);
            if (skipped < 0) break;
            start += skipped;
            if (LongestAt(text, start, isTrusted, out var end) is not { } token) continue;
            if (token.SingleWord && (EndsWithWord(text[..start]) || StartsWithWord(text[end..])))
            {
                start = end - 1;
                continue;
            }

            if (token.LeftStrip)
                while (start > from && IsSpace(text[start - 1])) start--;
            if (token.RightStrip)
                while (end < text.Length && IsSpace(text[end])) end++;
            match = new AddedTokenMatch(token.Id, start, end);
            return true;
        }

        match = default;
        return false;
    }

    private AddedToken? LongestAt(ReadOnlySpan<char> text, int start, Func<int, int, bool>? isTrusted, out int end)
    {
        AddedToken? longest = null;
        end = start;
        var node = Root;
        for (var i = start; i < text.Length && _edges.TryGetValue((node, text[i]), out node); i++)
        {
            if (_tokenAt[node] is not { } token) continue;
            if (token.Special && isTrusted is not null && !isTrusted(start, i + 1)) continue;
            (longest, end) = (token, i + 1);
        }

        return longest;
    }

    private static bool IsSpace(char c) => (CharacterClasses.Of(c) & CharacterClass.Space) != 0;

    private static bool EndsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    // \w: letters, numbers of the categories Nd and Nl, marks, connectors, the two joiners and the circled letters.
    private static bool IsWord(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.NonSpacingMark
            or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark or UnicodeCategory.ConnectorPunctuation => true,
        _ => (CharacterClasses.Of(rune.Value) & CharacterClass.Letter) != 0
            || rune.Value is 0x200C or 0x200D or (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149)
                or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189),
    };
}
