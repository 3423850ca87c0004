using System.Numerics;

namespace FalconMamba.Tokenization;

/// <summary>The merges by pair: an open hash table, because encoding asks it more often than anything else.</summary>
internal sealed class MergeTable
{
    // Drawn anew in each process, so that no file can be made whose pairs all collide.
    private static readonly ulong Multiplier = (ulong)Random.Shared.NextInt64() | 1;

    private readonly Slot[] _slots;
    private readonly int _shift;

    private struct Slot
    {
        public ulong Pair;

        // One more than the rank; 0 marks a free slot.
        public int Order;
        public int Result;
    }

    /// <summary>Ranks the merges by their order; of equal pairs the last counts.</summary>
    public MergeTable(IReadOnlyList<Merge> merges)
    {
        var size = BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, checked(2 * merges.Count)));
        _slots = new Slot[size];
        _shift = 64 - BitOperations.Log2(size);
        for (var rank = 0; rank < merges.Count; rank++)
        {
            var merge = merges[rank];
            ref var slot = ref Find(Pair(merge.Left, merge.Right));
            slot = new Slot { Pair = Pair(merge.Left, merge.Right), Order = rank + 1, Result = merge.Result };
        }
    }

    /// <summary>Looks a pair up.</summary>
    /// <param name="left">The left token's id.</param>
    /// <param name="right">The right token's id.</param>
    /// <param name="rank">The merge's place in the order of merges.</param>
    /// <param name="result">The id of the merged token.</param>
    public bool TryGet(int left, int right, out int rank, out int result)
    {
        ref var slot = ref Find(Pair(left, right));
        rank = slot.Order - 1;
        result = slot.Result;
        return rank >= 0;
    }

    private static ulong Pair(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    // The slot that holds the pair, or the free one where it belongs; at least half of them are free.
    private ref Slot Find(ulong pair)
    {
        var slots = _slots;
        var i = (int)((pair * Multiplier) >> _shift);
        while (slots[i].Order != 0 && slots[i].Pair != pair) i = (i + 1) & (slots.Length - 1);
        return ref slots[i];
    }
}
