namespace FalconMamba.Tokenization;

/// <summary>The working memory and the growing result of one encoding; each thread keeps one for its next text.</summary>
internal sealed class EncodingWorkspace
{
    private const int MaxKeptChars = 1 << 20;

    [ThreadStatic]
    private static EncodingWorkspace? _idle;

    private int[] _ids = new int[256];
    private Range[] _offsets = [];

    private EncodingWorkspace()
    {
    }

    /// <summary>The text at work.</summary>
    public PieceBuffer Buffer { get; } = new();

    /// <summary>Memory for merging.</summary>
    public BytePairScratch Scratch { get; } = new();

    /// <summary>Whether offsets and lost bytes are wanted.</summary>
    public bool WantsOffsets { get; private set; }

    /// <summary>The ids so far.</summary>
    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>The ids' places in the text, if wanted.</summary>
    public ReadOnlySpan<Range> Offsets => _offsets.AsSpan(0, WantsOffsets ? Count : 0);

    /// <summary>The lost bytes so far, if wanted.</summary>
    public List<LostByte> LostBytes { get; } = [];

    /// <summary>The number of ids so far.</summary>
    public int Count { get; private set; }

    /// <summary>Takes the thread's idle workspace, or a new one.</summary>
    public static EncodingWorkspace Rent(bool wantsOffsets)
    {
        var workspace = _idle ?? new EncodingWorkspace();
        _idle = null;
        workspace.Count = 0;
        workspace.LostBytes.Clear();
        workspace.WantsOffsets = wantsOffsets;
        return workspace;
    }

    /// <summary>Leaves the workspace to the thread's next encoding, unless it has grown large.</summary>
    public void Return()
    {
        if (Buffer.Capacity <= MaxKeptChars) _idle = this;
    }

    /// <summary>Appends an id.</summary>
    public void Add(int id, Range offset = default)
    {
        if (Count == _ids.Length) Array.Resize(ref _ids, 2 * Count);
        if (WantsOffsets)
        {
            if (_offsets.Length < _ids.Length) Array.Resize(ref _offsets, _ids.Length);
            _offsets[Count] = offset;
        }

        _ids[Count++] = id;
    }

    /// <summary>Puts the template's ids, which stand for no text, before and after the ids.</summary>
    public void Surround(IReadOnlyList<int> prefix, IReadOnlyList<int> suffix)
    {
        foreach (var id in suffix) Add(id);
        if (prefix.Count == 0) return;

        foreach (var id in prefix) Add(id);
        RotateRight(_ids.AsSpan(0, Count), prefix.Count);
        if (WantsOffsets) RotateRight(_offsets.AsSpan(0, Count), prefix.Count);
    }

    private static void RotateRight<T>(Span<T> items, int by)
    {
        var moved = items[^by..].ToArray();
        items[..^by].CopyTo(items[by..]);
        moved.CopyTo(items);
    }
}
