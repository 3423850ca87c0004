using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace FalconMamba.Tokenization;

/// <summary>
/// Turns ids into text one at a time. Complete characters come out at once; the bytes of an unfinished one are kept until
/// the rest arrives; bytes that can never become a character come out as U+FFFD as soon as that is certain. Not for
/// several threads at once.
/// </summary>
/// <param name="tokenizer">The tokenizer the ids belong to.</param>
/// <param name="skipSpecialTokens">Leaves special tokens out, and ids that no token has: a model's padding.</param>
[SuppressMessage("Naming", "CA1711", Justification = "It streams text, as its name says; System.IO.Stream is about bytes.")]
public sealed class TextStream(Tokenizer tokenizer, bool skipSpecialTokens = false)
{
    private const int StackChars = 256;

    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    /// <summary>Takes the next id.</summary>
    /// <returns>The characters that it completes; often empty, never half a character.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No token has this id, and it is not left out; the stream is as before.</exception>
    public string Append(int id) => Take(tokenizer.BytesOf(id, skipSpecialTokens), flush: false);

    /// <summary>Ends the text. The stream can then take another one.</summary>
    /// <returns>U+FFFD if a character was left unfinished, else nothing.</returns>
    public string Flush() => Take([], flush: true);

    private string Take(ReadOnlySpan<byte> bytes, bool flush)
    {
        // A byte makes at most one char, and bytes kept from before one more.
        Span<char> chars = bytes.Length < StackChars ? stackalloc char[StackChars] : new char[bytes.Length + 1];
        var count = _decoder.GetChars(bytes, chars, flush);
        return count == 0 ? "" : new string(chars[..count]);
    }
}
