using System.Text;
using FalconMamba.Tokenization;

namespace FalconMamba.Generation;

/// <summary>The text of a sequence as its tokens come, up to a stop string.</summary>
internal sealed class AnswerText
{
    private readonly StringBuilder _text = new();
    private readonly TextStream _stream;
    private readonly StopStringMatcher _stops;

    public AnswerText(Tokenizer tokenizer, IEnumerable<string> stopStrings)
    {
        _stream = new TextStream(tokenizer, skipSpecialTokens: true);
        _stops = new StopStringMatcher(stopStrings);
    }

    /// <summary>Adds a token.</summary>
    /// <returns>Whether a stop string has come.</returns>
    public bool Append(int id)
    {
        _text.Append(_stops.Push(_stream.Append(id)));
        return _stops.Matched is not null;
    }

    /// <summary>Ends the text.</summary>
    public string Finish() => _text.Append(_stops.Push(_stream.Flush())).Append(_stops.Flush()).ToString();
}
