using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Syntax;

/// <summary>
/// Cuts a template into text and tags. White space goes as transformers sets it: the line feed behind a tag or comment and
/// the blanks before one at the beginning of a line are left out.
/// </summary>
internal sealed class Lexer
{
    private readonly SourceText _source;
    private readonly string _text;
    private readonly List<Token> _tokens = [];
    private int _position;
    private bool _isLineStart = true;

    private Lexer(SourceText source)
    {
        _source = source;
        _text = source.Value;
    }

    /// <summary>The tokens of a source; the last one is its end.</summary>
    /// <exception cref="ChatTemplateException">A tag is not closed, or holds what is no token.</exception>
    public static List<Token> Read(SourceText source)
    {
        var lexer = new Lexer(source);
        lexer.Read();
        return lexer._tokens;
    }

    private void Read()
    {
        while (_position < _text.Length)
        {
            var start = FindTag(_position);
            if (start < 0)
            {
                Add(_position, _text.Length);
                break;
            }

            var kind = _text[start + 1];
            var sign = At(start + 2) is '-' or '+' ? _text[start + 2] : ' ';
            var data = _position;
            _position = start + (sign == ' ' ? 2 : 3);
            Add(data, TrimBefore(data, start, sign, isPrint: kind == '{'));
            if (kind == '%' && TryEnterRaw()) ReadRaw(start);
            else if (kind == '#') SkipComment(start);
            else ReadTag(start, isPrint: kind == '{');
        }

        _tokens.Add(new Token(TokenKind.End, "", _text.Length));
    }

    private int FindTag(int from)
    {
        for (; (from = _text.IndexOf('{', from)) >= 0; from++)
            if (At(from + 1) is '%' or '{' or '#') return from;
        return -1;
    }

    private char At(int place) => place < _text.Length ? _text[place] : '\0';

    private bool Has(string text, int place) => string.CompareOrdinal(_text, place, text, 0, text.Length) == 0;

    private int SkipSpace(int place)
    {
        while (place < _text.Length && Characters.IsSpace(_text[place])) place++;
        return place;
    }

    // Where the text before a tag ends.
    private int TrimBefore(int start, int end, char sign, bool isPrint)
    {
        if (sign == '-')
        {
            while (end > start && Characters.IsSpace(_text[end - 1])) end--;
            return end;
        }

        if (sign == '+' || isPrint || end == start) return end;
        var line = _text.LastIndexOf('\n', end - 1, end - start) + 1;
        if (line == 0)
        {
            if (!_isLineStart) return end;
            line = start;
        }

        return SkipSpace(line) >= end ? line : end;
    }

    private void Add(int start, int end)
    {
        if (end > start) _tokens.Add(new Token(TokenKind.Data, _text[start..end], start));
    }

    // {% raw %}, whose signs and blanks are free.
    private bool TryEnterRaw()
    {
        var place = SkipSpace(_position);
        if (!Has("raw", place)) return false;
        place = SkipSpace(place + 3);
        if (Has("-%}", place)) _position = SkipSpace(place + 3);
        else if (Has("%}", place)) _position = place + 2;
        else return false;
        _isLineStart = _text[_position - 1] == '\n';
        return true;
    }

    private void ReadRaw(int start)
    {
        for (var end = _position; (end = _text.IndexOf("{%", end, StringComparison.Ordinal)) >= 0; end++)
        {
            var sign = At(end + 2) is '-' or '+' ? _text[end + 2] : ' ';
            var place = SkipSpace(end + (sign == ' ' ? 2 : 3));
            if (!Has("endraw", place)) continue;
            place = SkipSpace(place + 6);
            if (AfterEnd(place, "%}") is not { } after) continue;
            Add(_position, TrimBefore(_position, end, sign, isPrint: false));
            Continue(after);
            return;
        }

        // Jinja takes an empty rest for a finished template.
        if (_position < _text.Length) throw _source.Wrong("{% endraw %} was expected before the end of the template", start);
    }

    private void SkipComment(int start)
    {
        for (var end = _position; end < _text.Length; end++)
        {
            if (AfterEnd(end, "#}") is not { } after) continue;
            Continue(after);
            return;
        }

        if (_position < _text.Length) throw _source.Wrong("\"#}\" was expected before the end of the template", start);
    }

    private void ReadTag(int start, bool isPrint)
    {
        _tokens.Add(new Token(isPrint ? TokenKind.PrintBegin : TokenKind.BlockBegin, isPrint ? "{{" : "{%", start));
        var tag = new TagLexer(_source, _tokens);
        while (_position < _text.Length)
        {
            if (!tag.IsInBrackets && (isPrint ? AfterPrint(_position) : AfterEnd(_position, "%}")) is { } after)
            {
                _tokens.Add(new Token(isPrint ? TokenKind.PrintEnd : TokenKind.BlockEnd, isPrint ? "}}" : "%}", _position));
                Continue(after);
                return;
            }

            _position = tag.Read(_position);
        }
    }

    private void Continue(int after)
    {
        _isLineStart = _text[after - 1] == '\n';
        _position = after;
    }

    // Behind a tag's or comment's end; null if it does not end here.
    private int? AfterEnd(int place, string end)
    {
        if (At(place) == '+' && Has(end, place + 1)) return place + 3;
        if (At(place) == '-' && Has(end, place + 1)) return SkipSpace(place + 3);
        if (!Has(end, place)) return null;
        return At(place + 2) == '\n' ? place + 3 : place + 2;
    }

    private int? AfterPrint(int place)
    {
        if (Has("-}}", place)) return SkipSpace(place + 3);
        return Has("}}", place) ? place + 2 : null;
    }
}
