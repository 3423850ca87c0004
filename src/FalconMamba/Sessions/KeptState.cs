using FalconMamba.Model;

namespace FalconMamba.Sessions;

/// <summary>A state in a <see cref="PrefixTree"/>: in memory, in the store, or in both. The tree's lock guards all of it.</summary>
internal sealed class KeptState(PrefixTree.Scope scope, PrefixNode node, RecurrentState state)
{
    /// <summary>Whose it is.</summary>
    public PrefixTree.Scope Scope { get; } = scope;

    /// <summary>Its place in the tree.</summary>
    public PrefixNode Node { get; } = node;

    /// <summary>The state; null where only the store has it.</summary>
    public RecurrentState? State { get; set; } = state;

    /// <summary>Where the store has it; null where it does not.</summary>
    public StateKey? Stored { get; set; }

    /// <summary>The room it takes, in memory or in the store.</summary>
    public long ByteLength { get; } = state.ByteLength;

    /// <summary>Whether it lies inside a prompt and may go when the prompt grows.</summary>
    public bool IsRung { get; set; }

    /// <summary>How many copy from it at the moment, or write it to the store: they do so outside the lock.</summary>
    public int Users { get; set; }

    /// <summary>Whether it left the tree and waits for its users to finish.</summary>
    public bool IsDropped { get; set; }

    /// <summary>Its place in the order of use; null where it is pinned.</summary>
    public LinkedListNode<KeptState>? Use { get; set; }
}
