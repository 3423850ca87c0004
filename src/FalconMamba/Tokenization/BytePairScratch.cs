namespace FalconMamba.Tokenization;

/// <summary>Working memory for merging, reused from piece to piece by one thread.</summary>
internal sealed class BytePairScratch
{
    /// <summary>The symbols of the piece; a merged-away one has length 0.</summary>
    public BytePairSymbol[] Symbols { get; private set; } = [];

    /// <summary>The symbol before each, or -1.</summary>
    public int[] Previous { get; private set; } = [];

    /// <summary>The symbol after each, or -1.</summary>
    public int[] Next { get; private set; } = [];

    /// <summary>The pairs that may merge.</summary>
    public PairHeap Heap { get; } = new();

    /// <summary>Makes room for a piece.</summary>
    public void Reserve(int length)
    {
        if (Symbols.Length >= length) return;
        length = Math.Max(length, 2 * Symbols.Length);
        Symbols = new BytePairSymbol[length];
        Previous = new int[length];
        Next = new int[length];
    }
}

/// <summary>A binary heap of pairs: the lowest rank first, then the leftmost.</summary>
internal sealed class PairHeap
{
    private ulong[] _keys = new ulong[64];
    private int _count;

    /// <summary>Forgets all pairs.</summary>
    public void Clear() => _count = 0;

    /// <summary>Adds a pair.</summary>
    public void Push(int rank, int left)
    {
        if (_count == _keys.Length) Array.Resize(ref _keys, 2 * _count);
        var key = ((ulong)(uint)rank << 32) | (uint)left;
        var i = _count++;
        for (var parent = (i - 1) / 2; i > 0 && key < _keys[parent]; parent = (i - 1) / 2)
        {
            _keys[i] = _keys[parent];
            i = parent;
        }

        _keys[i] = key;
    }

    /// <summary>Takes the first pair out.</summary>
    public bool TryPop(out int rank, out int left)
    {
        rank = left = 0;
        if (_count == 0) return false;

        (rank, left) = ((int)(_keys[0] >> 32), (int)_keys[0]);
        var key = _keys[--_count];
        var i = 0;
        for (var child = 1; child < _count; child = (2 * i) + 1)
        {
            if (child + 1 < _count && _keys[child + 1] < _keys[child]) child++;
            if (key <= _keys[child]) break;
            _keys[i] = _keys[child];
            i = child;
        }

        _keys[i] = key;
        return true;
    }
}
