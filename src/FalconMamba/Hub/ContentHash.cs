using System.Security.Cryptography;
using System.Text;

namespace FalconMamba.Hub;

/// <summary>
/// The hash that a file's tag promises, taken while the file comes: SHA-256 for large files, git's SHA-1 for small ones. Another
/// tag promises nothing, and then only the length counts.
/// </summary>
internal sealed class ContentHash : IDisposable
{
    private const int Sha1Digits = 40, Sha256Digits = 64;

    private readonly string _tag;
    private readonly long _size;
    private readonly IncrementalHash? _hash;

    public ContentHash(string tag, long size)
    {
        _tag = tag;
        _size = size;
        _hash = tag.All(char.IsAsciiHexDigit)
            ? tag.Length switch
            {
                Sha1Digits => IncrementalHash.CreateHash(HashAlgorithmName.SHA1),
                Sha256Digits => IncrementalHash.CreateHash(HashAlgorithmName.SHA256),
                _ => null,
            }
            : null;
        Restart();
    }

    /// <summary>How many bytes of content went in.</summary>
    public long Length { get; private set; }

    public void Append(ReadOnlySpan<byte> content)
    {
        _hash?.AppendData(content);
        Length += content.Length;
    }

    /// <summary>Forgets all content.</summary>
    public void Restart()
    {
        Length = 0;
        if (_hash is null) return;
        _hash.GetHashAndReset();
        if (_tag.Length == Sha1Digits) _hash.AppendData(Encoding.ASCII.GetBytes($"blob {_size}\0"));
    }

    /// <summary>Whether the content that went in is the promised one; ends the hash.</summary>
    public bool Matches() =>
        Length == _size && (_hash is null || Convert.ToHexStringLower(_hash.GetHashAndReset()).Equals(_tag, StringComparison.OrdinalIgnoreCase));

    public void Dispose() => _hash?.Dispose();
}
