using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Syntax;

/// <summary>Cuts the inside of a tag into tokens.</summary>
internal sealed partial class TagLexer(SourceText source, List<Token> tokens)
{
    private static readonly string[] LongOperators = ["//", "**", "==", "!=", ">=", "<="];

    private const string ShortOperators = "+-/*%~[](){}><=.:|,;";

    private readonly Stack<char> _brackets = new();

    /// <summary>Whether a bracket is open: a tag does not end inside one.</summary>
    public bool IsInBrackets => _brackets.Count > 0;

    /// <summary>Reads one token, or white space, and gives the place behind it.</summary>
    /// <exception cref="ChatTemplateException">No token begins here.</exception>
    public int Read(int place)
    {
        var text = source.Value;
        if (Characters.IsSpace(text[place])) return place + 1;
        if (FloatPattern().Match(text, place) is { Success: true } real)
            return Add(TokenKind.Number, real.Value, place, double.Parse(Plain(real.Value), CultureInfo.InvariantCulture));
        if (IntegerPattern().Match(text, place) is { Success: true } integer) return Add(TokenKind.Number, integer.Value, place, ParseInteger(Plain(integer.Value), place));
        if (text[place] is '\'' or '"') return ReadString(place);
        if (ReadName(place) is var end && end > place) return end;
        foreach (var sign in LongOperators)
            if (string.CompareOrdinal(text, place, sign, 0, 2) == 0) return Add(TokenKind.Operator, sign, place);
        if (!ShortOperators.Contains(text[place])) throw source.Wrong($"the character \"{Formats.Excerpt.Of(text[place].ToString())}\" was not expected", place);
        Balance(text[place], place);
        return Add(TokenKind.Operator, text[place].ToString(), place);
    }

    private static string Plain(string number) => number.Replace("_", "", StringComparison.Ordinal);

    private int Add(TokenKind kind, string text, int place, object? value = null)
    {
        tokens.Add(new Token(kind, text, place, value));
        return place + text.Length;
    }

    private BigInteger ParseInteger(string number, int place)
    {
        if (number.Length > 4000) throw source.Wrong("the number has too many digits", place);
        var radix = number.Length > 1 ? char.ToLowerInvariant(number[1]) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 10 } : 10;
        if (radix == 10) return BigInteger.Parse(number, CultureInfo.InvariantCulture);
        return number[2..].Aggregate(BigInteger.Zero, (value, digit) => value * radix + Convert.ToInt32(digit.ToString(), 16));
    }

    private int ReadName(int place)
    {
        var text = source.Value;
        var end = place;
        while (end < text.Length)
        {
            var code = end + 1 < text.Length && char.IsSurrogatePair(text[end], text[end + 1]) ? char.ConvertToUtf32(text[end], text[end + 1]) : text[end];
            if (!Characters.IsNamePart(code)) break;
            end += code > 0xFFFF ? 2 : 1;
        }

        if (end == place) return place;
        if (!Characters.IsNameStart(Characters.CodePoints(text[place..end]).First())) throw source.Wrong("a name cannot begin with this character", place);
        return Add(TokenKind.Name, text[place..end], place);
    }

    private int ReadString(int place)
    {
        var text = source.Value;
        var quote = text[place];
        for (var end = place + 1; end < text.Length; end++)
        {
            if (text[end] == '\\')
            {
                end++;
                continue;
            }

            if (text[end] != quote) continue;
            var content = text[(place + 1)..end];
            var (decoded, codePoints) = StringEscapes.Decode(content) ?? throw source.Wrong("the string has a broken escape", place);
            tokens.Add(new Token(TokenKind.String, decoded, place, codePoints));
            return end + 1;
        }

        throw source.Wrong("the string has no end", place);
    }

    private void Balance(char bracket, int place)
    {
        switch (bracket)
        {
            case '(': _brackets.Push(')'); break;
            case '[': _brackets.Push(']'); break;
            case '{': _brackets.Push('}'); break;
            case ')' or ']' or '}':
                if (!_brackets.TryPop(out var expected)) throw source.Wrong($"\"{bracket}\" was not expected", place);
                if (expected != bracket) throw source.Wrong($"\"{expected}\" was expected, found \"{bracket}\"", place);
                break;
        }
    }

    [GeneratedRegex(@"\G(?<!\.)[0-9]+(?:_[0-9]+)*(?:(?:\.[0-9]+(?:_[0-9]+)*)?[eE][+\-]?[0-9]+(?:_[0-9]+)*|\.[0-9]+(?:_[0-9]+)*)")]
    private static partial Regex FloatPattern();

    [GeneratedRegex(@"\G(?:0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?[0-9])*|0(?:_?0)*)")]
    private static partial Regex IntegerPattern();
}
