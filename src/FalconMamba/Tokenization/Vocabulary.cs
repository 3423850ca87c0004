using System.Text;

namespace FalconMamba.Tokenization;

/// <summary>The tokens by id, their ids by token, and the bytes each decodes to.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _ids;
    private readonly string?[] _tokens;
    private readonly bool[] _isSpecial;

    // The bytes of token i are _bytes[_starts[i].._starts[i + 1]].
    private readonly byte[] _bytes;
    private readonly int[] _starts;

    /// <summary>Joins the model's tokens and the added ones.</summary>
    public Vocabulary(TokenizerModel model)
    {
        _ids = new Dictionary<string, int>(model.Vocabulary, StringComparer.Ordinal);
        foreach (var added in model.AddedTokens) _ids[added.Content] = added.Id;

        var end = _ids.Values.DefaultIfEmpty(-1).Max() + 1;
        _tokens = new string?[end];
        _isSpecial = new bool[end];
        foreach (var (token, id) in model.Vocabulary) _tokens[id] = token;
        var forms = (string?[])_tokens.Clone();
        foreach (var added in model.AddedTokens)
        {
            _tokens[added.Id] = added.Content;
            forms[added.Id] = model.FormOf(added);
            _isSpecial[added.Id] = added.Special;
        }

        Count = _tokens.Count(static token => token is not null);
        _starts = new int[end + 1];
        var bytes = new List<byte>(8 * end);
        for (var id = 0; id < end; id++)
        {
            if (forms[id] is { } form) AppendBytes(form, bytes);
            _starts[id + 1] = bytes.Count;
        }

        _bytes = [.. bytes];
    }

    /// <summary>The number of tokens.</summary>
    public int Count { get; }

    /// <summary>The ids by token.</summary>
    public IReadOnlyDictionary<string, int> Ids => _ids;

    /// <summary>The id of a token, or null.</summary>
    public int? IdOf(string token) => _ids.TryGetValue(token, out var id) ? id : null;

    /// <summary>The token with an id, or null.</summary>
    public string? TokenOf(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;

    /// <summary>The first token that two vocabularies spell differently; null if there is none.</summary>
    /// <remarks>Special tokens do not count, which models of one family name differently, nor what only one of the two has.</remarks>
    public int? FirstDifference(Vocabulary other)
    {
        for (var id = 0; id < Math.Min(_tokens.Length, other._tokens.Length); id++)
            if (_tokens[id] is { } token && other._tokens[id] is { } theirs && token != theirs && !_isSpecial[id] && !other._isSpecial[id]) return id;
        return null;
    }

    /// <summary>The bytes of a token.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No token has this id.</exception>
    public ReadOnlySpan<byte> BytesOf(int id)
    {
        if (TokenOf(id) is null)
            throw new ArgumentOutOfRangeException(nameof(id), id, $"No token has the id {id}; the ids of this vocabulary lie in 0..{_tokens.Length - 1}.");
        return _bytes.AsSpan(_starts[id], _starts[id + 1] - _starts[id]);
    }

    /// <summary>Whether decoding without special tokens leaves this one out.</summary>
    public bool IsSpecial(int id) => (uint)id < (uint)_isSpecial.Length && _isSpecial[id];

    // A token with any character outside the byte-level alphabet, such as a run of spaces, stands for its own text.
    private static void AppendBytes(string token, List<byte> bytes)
    {
        var start = bytes.Count;
        foreach (var c in token)
        {
            if (ByteLevelAlphabet.TryGetByte(c, out var value))
            {
                bytes.Add(value);
                continue;
            }

            bytes.RemoveRange(start, bytes.Count - start);
            bytes.AddRange(Encoding.UTF8.GetBytes(token));
            return;
        }
    }
}
