namespace FalconMamba.Generation;

/// <summary>
/// The ids that a sequence consists of so far: what penalties, lengths and Mirostat look at. A <see cref="Model.RecurrentState"/>
/// does not tell its tokens, so who goes on from a state and uses such settings keeps the history beside it.
/// </summary>
public sealed class TokenHistory
{
    private int[] _ids;

    /// <summary>The history of a sequence.</summary>
    /// <param name="ids">Its tokens; none for a new one.</param>
    /// <param name="promptLength">How many of them are prompt; null for all.</param>
    /// <exception cref="ArgumentOutOfRangeException">The prompt is longer than the sequence.</exception>
    public TokenHistory(ReadOnlySpan<int> ids = default, int? promptLength = null)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)(promptLength ?? 0), (uint)ids.Length, nameof(promptLength));
        _ids = ids.ToArray();
        Count = ids.Length;
        PromptLength = promptLength ?? ids.Length;
    }

    /// <summary>How many tokens there are.</summary>
    public int Count { get; private set; }

    /// <summary>The tokens; valid until one is added.</summary>
    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>The same.</summary>
    internal ReadOnlyMemory<int> Memory => _ids.AsMemory(0, Count);

    /// <summary>How many of them are prompt: they do not count as generated.</summary>
    public int PromptLength { get; private set; }

    /// <summary>Mirostat's limit of surprise in bits; null before the first draw.</summary>
    public double? MirostatMu { get; set; }

    /// <summary>Adds a generated token.</summary>
    /// <param name="id">The token.</param>
    public void Append(int id)
    {
        Reserve(1);
        _ids[Count++] = id;
    }

    /// <summary>Adds tokens of a prompt; everything so far is prompt then.</summary>
    /// <param name="ids">The tokens; with none of them nothing changes.</param>
    public void AppendPrompt(ReadOnlySpan<int> ids)
    {
        if (ids.IsEmpty) return;
        Reserve(ids.Length);
        ids.CopyTo(_ids.AsSpan(Count));
        Count += ids.Length;
        PromptLength = Count;
    }

    /// <summary>A copy that goes its own way.</summary>
    public TokenHistory Fork()
    {
        var fork = new TokenHistory();
        fork.CopyFrom(this);
        return fork;
    }

    /// <summary>Makes room for tokens to come.</summary>
    internal void Reserve(int more)
    {
        if (Count + more > _ids.Length) Array.Resize(ref _ids, Math.Max(checked(Count + more), 2 * Count));
    }

    /// <summary>Takes generated tokens back.</summary>
    internal void Truncate(int count) => Count = count;

    /// <summary>Takes another history's content.</summary>
    internal void CopyFrom(TokenHistory other)
    {
        if (_ids.Length < other.Count) _ids = new int[other._ids.Length];
        other.Ids.CopyTo(_ids);
        (Count, PromptLength, MirostatMu) = (other.Count, other.PromptLength, other.MirostatMu);
    }
}
