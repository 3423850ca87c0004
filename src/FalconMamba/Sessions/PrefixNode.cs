namespace FalconMamba.Sessions;

/// <summary>A node of a radix tree over token ids: an edge of ids leads to it, and a state may be kept at its end.</summary>
internal sealed class PrefixNode
{
    private readonly Dictionary<int, PrefixNode> _children = [];
    private ReadOnlyMemory<int> _edge;

    /// <summary>The node above; null for a root, and for a node that was taken out.</summary>
    public PrefixNode? Parent { get; private set; }

    /// <summary>How many tokens lead from the root to here.</summary>
    public int Depth { get; private set; }

    /// <summary>The state kept here, if any.</summary>
    public KeptState? Kept { get; set; }

    /// <summary>Whether there is nothing here or below.</summary>
    public bool IsEmpty => Kept is null && _children.Count == 0;

    /// <summary>The nodes on the way along some ids, each whole, from the root, which this is, down.</summary>
    public List<PrefixNode> PathAlong(ReadOnlySpan<int> ids)
    {
        List<PrefixNode> path = [this];
        var rest = ids;
        while (!rest.IsEmpty && path[^1]._children.TryGetValue(rest[0], out var child) && rest.StartsWith(child._edge.Span))
        {
            path.Add(child);
            rest = ids[child.Depth..];
        }

        return path;
    }

    /// <summary>The node at the end of some ids, counted from the root, which this is; it is made where there is none.</summary>
    public PrefixNode NodeAt(ReadOnlySpan<int> ids)
    {
        var node = this;
        while (true)
        {
            var rest = ids[node.Depth..];
            if (rest.IsEmpty) return node;
            if (!node._children.TryGetValue(rest[0], out var child))
            {
                child = new PrefixNode();
                child.Attach(node, rest.ToArray());
                return child;
            }

            var agreed = rest.CommonPrefixLength(child._edge.Span);
            node = agreed == child._edge.Length ? child : child.Split(agreed);
        }
    }

    /// <summary>The ids that lead from the root to here.</summary>
    public int[] Ids()
    {
        var ids = new int[Depth];
        for (var node = this; node.Parent is not null; node = node.Parent) node._edge.CopyTo(ids.AsMemory(node.Depth - node._edge.Length));
        return ids;
    }

    /// <summary>Every state kept here or below.</summary>
    public IEnumerable<KeptState> All() =>
        _children.Values.SelectMany(child => child.All()).Concat(Kept is null ? [] : [Kept]);

    /// <summary>Takes nodes out, from here up, that keep nothing and lead nowhere; joins those that only lead on.</summary>
    public void Prune()
    {
        var node = this;
        while (node is { Parent: { } parent, Kept: null } && node._children.Count == 0)
        {
            parent._children.Remove(node._edge.Span[0]);
            node.Parent = null;
            node = parent;
        }

        if (node is { Parent: { } above, Kept: null } && node._children.Count == 1)
        {
            var child = node._children.Values.Single();
            child.Attach(above, (int[])[.. node._edge.Span, .. child._edge.Span]);
            node.Parent = null;
        }
    }

    private PrefixNode Split(int length)
    {
        var upper = new PrefixNode();
        upper.Attach(Parent!, _edge[..length]);
        Attach(upper, _edge[length..]);
        return upper;
    }

    private void Attach(PrefixNode parent, ReadOnlyMemory<int> edge)
    {
        (Parent, _edge, Depth) = (parent, edge, parent.Depth + edge.Length);
        parent._children[edge.Span[0]] = this;
    }
}
