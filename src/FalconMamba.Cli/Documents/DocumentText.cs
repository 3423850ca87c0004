using System.Text;

namespace FalconMamba.Cli.Documents;

/// <summary>
/// Gathers the text of a document: runs of white space become a space, breaks are asked for and never doubled. It refuses to
/// grow without end, whatever a file unfolds to.
/// </summary>
internal sealed class DocumentText(string name)
{
    /// <summary>The longest text, some eight long books: more does not fit the header of a session's file.</summary>
    public const int MostCharacters = 8_000_000;

    private readonly StringBuilder _text = new();
    private int _breaks;
    private bool _isSpaceDue;

    /// <summary>Adds text whose white space means nothing but that words end.</summary>
    public void Append(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (char.IsWhiteSpace(c)) _isSpaceDue = true;
            else AppendExact(c);
        }
    }

    /// <summary>Adds text as it is.</summary>
    public void AppendExact(ReadOnlySpan<char> text)
    {
        foreach (var c in text) AppendExact(c);
    }

    /// <summary>Lets the next text begin on a new line.</summary>
    /// <param name="lines">1 for a line, 2 for a paragraph.</param>
    public void Break(int lines)
    {
        _breaks = Math.Max(_breaks, lines);
        _isSpaceDue = false;
    }

    /// <summary>The text.</summary>
    /// <exception cref="CommandException">There is none.</exception>
    public string Finish() => _text.Length > 0
        ? _text.Append('\n').ToString()
        : throw new CommandException($"{name} holds no text: if its pages are pictures, recognise their letters first.");

    /// <summary>Refuses a text that is too long.</summary>
    /// <exception cref="CommandException">It is.</exception>
    public static void CheckLength(string name, long length)
    {
        if (length > MostCharacters) throw new CommandException($"{name} holds more than {Units.Digits(MostCharacters)} characters of text: give a part of it.");
    }

    private void AppendExact(char c)
    {
        CheckLength(name, _text.Length);
        if (_text.Length > 0)
        {
            if (_breaks > 0) _text.Append('\n', _breaks);
            else if (_isSpaceDue && !char.IsWhiteSpace(_text[^1])) _text.Append(' ');
        }

        (_breaks, _isSpaceDue) = (0, false);
        _text.Append(c);
    }
}
