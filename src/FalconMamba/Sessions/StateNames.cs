using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace FalconMamba.Sessions;

/// <summary>
/// Names of sessions as names of folders, one to one on every system: small letters, digits, <c>-</c> and <c>_</c> are
/// themselves, every other byte of the UTF-8 text is <c>%</c> and two digits. So no name is a path, a device or another one's
/// twin where capitals do not count.
/// </summary>
internal static class StateNames
{
    // Room for a suffix within the 255 bytes that file systems allow.
    private const int LongestEncoded = 200;

    // Devices on Windows, whatever stands behind their point.
    private static readonly HashSet<string> Devices =
    [
        "con", "prn", "aux", "nul",
        .. Enumerable.Range(0, 10).SelectMany(digit => (string[])[$"com{digit}", $"lpt{digit}"]),
    ];

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The folder's name.</summary>
    /// <exception cref="ArgumentException">The name is empty, too long or no text.</exception>
    public static string Encode(string name)
    {
        if (name.Length == 0) throw new ArgumentException("The name of a session is empty: give it one.");
        var encoded = new StringBuilder();
        var isDevice = Devices.Contains(name);
        try
        {
            foreach (var value in Strict.GetBytes(name))
            {
                var isPlain = char.IsAsciiLetterLower((char)value) || char.IsAsciiDigit((char)value) || value is (byte)'-' or (byte)'_';
                if (isPlain && !isDevice) encoded.Append((char)value);
                else encoded.Append(CultureInfo.InvariantCulture, $"%{value:x2}");
            }
        }
        catch (EncoderFallbackException)
        {
            throw new ArgumentException("The name of a session holds half a character: give it another one.");
        }

        return encoded.Length <= LongestEncoded
            ? encoded.ToString()
            : throw new ArgumentException($"The name of a session may take {LongestEncoded} bytes, and three for each that is no small letter or digit; this one takes {encoded.Length}: give it a shorter one.");
    }

    /// <summary>The name that a folder stands for.</summary>
    /// <returns>Whether it is one that <see cref="Encode"/> gives.</returns>
    public static bool TryDecode(string folder, [NotNullWhen(true)] out string? name)
    {
        name = null;
        var bytes = new List<byte>();
        for (var i = 0; i < folder.Length; i++)
        {
            if (folder[i] != '%') bytes.Add((byte)folder[i]);
            else if (i + 2 < folder.Length && byte.TryParse(folder.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            {
                bytes.Add(value);
                i += 2;
            }
            else return false;
        }

        try
        {
            var decoded = Strict.GetString([.. bytes]);
            if (decoded.Length == 0 || Encode(decoded) != folder) return false;
            name = decoded;
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
