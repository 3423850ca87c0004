using System.Text;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Methods;

/// <summary>The methods of bytes that templates have a use for.</summary>
internal static class BytesMethods
{
    /// <summary>A method by its name.</summary>
    public static Func<BytesValue, Arguments, object?>? Find(string name) => name switch
    {
        "decode" => static (bytes, arguments) => Decode(bytes, arguments),
        "hex" => static (bytes, _) => Text.Untrusted(Convert.ToHexStringLower(bytes.Bytes)),
        _ => null,
    };

    // Bytes come from texts, and their trust is lost on the way.
    private static Text Decode(BytesValue bytes, Arguments arguments)
    {
        var bound = arguments.Bind("decode", "encoding?", "errors?");
        Encoding encoding = bound.Text(0, "utf-8").Value.ToLowerInvariant() switch
        {
            "utf-8" or "utf8" or "ascii" => new UTF8Encoding(false, throwOnInvalidBytes: true),
            "latin-1" or "latin1" or "iso-8859-1" => Encoding.Latin1,
            _ => throw Fault.Runtime("the bytes cannot be decoded so"),
        };
        try
        {
            return Text.Untrusted(encoding.GetString(bytes.Bytes));
        }
        catch (DecoderFallbackException)
        {
            throw Fault.Runtime("the bytes are no text");
        }
    }
}
