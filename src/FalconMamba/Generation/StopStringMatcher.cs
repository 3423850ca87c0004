using System.Text;

namespace FalconMamba.Generation;

/// <summary>
/// Finds the first stop string in a text that comes piece by piece. The string that is completed first wins, the longest
/// of those completed by the same character; the text before it is passed on, it and the rest are not. Held back is
/// only the longest end of the text that a stop string may begin with.
/// </summary>
/// <remarks>
/// Aho and Corasick, "Efficient string matching" (1975): a node is a beginning of a stop string, the current node the
/// longest one that the text ends with, so its depth is what must be held back. Time is linear in the text.
/// </remarks>
public sealed class StopStringMatcher
{
    private readonly List<Node> _nodes = [new Node()];
    private readonly StringBuilder _held = new();
    private int _state;

    /// <summary>A matcher at the start of a text.</summary>
    /// <param name="stopStrings">What ends the text; empty strings are ignored.</param>
    public StopStringMatcher(IEnumerable<string> stopStrings)
    {
        ArgumentNullException.ThrowIfNull(stopStrings);
        foreach (var stop in stopStrings) Add(stop);
        Link();
    }

    /// <summary>The stop string that was found; null while there is none.</summary>
    public string? Matched { get; private set; }

    /// <summary>The end of the text that is held back because a stop string may begin with it.</summary>
    public string Held => _held.ToString();

    /// <summary>Takes the next piece of the text.</summary>
    /// <param name="piece">Whole characters: a surrogate pair must not be cut.</param>
    /// <returns>The text that is now safe to show; empty once a stop string was found.</returns>
    public string Push(string piece)
    {
        ArgumentNullException.ThrowIfNull(piece);
        if (Matched is not null) return "";
        if (_nodes.Count == 1) return piece;
        for (var i = 0; i < piece.Length; i++)
        {
            _state = Step(_state, piece[i]);
            if (_nodes[_state].Stop is not { } stop) continue;
            Matched = stop;
            return Release(piece.AsSpan(0, i + 1), stop.Length, discard: true);
        }

        // Most pieces touch no stop string and pass through as they are.
        return _held.Length == 0 && _nodes[_state].Depth == 0 ? piece : Release(piece, _nodes[_state].Depth, discard: false);
    }

    /// <summary>Ends the text: what was held back is safe to show after all.</summary>
    public string Flush()
    {
        var text = _held.ToString();
        _held.Clear();
        _state = 0;
        return text;
    }

    // Appends the piece and returns all but the last `keep` characters, which stay held or are dropped.
    private string Release(ReadOnlySpan<char> piece, int keep, bool discard)
    {
        _held.Append(piece);
        var text = _held.ToString(0, _held.Length - keep);
        _held.Remove(0, discard ? _held.Length : text.Length);
        return text;
    }

    private void Add(string stop)
    {
        ArgumentNullException.ThrowIfNull(stop, "stopStrings");
        if (stop.Length == 0) return;
        var node = 0;
        foreach (var character in stop)
        {
            if (!_nodes[node].Next.TryGetValue(character, out var next))
            {
                next = _nodes.Count;
                _nodes.Add(new Node { Depth = _nodes[node].Depth + 1 });
                _nodes[node].Next.Add(character, next);
            }

            node = next;
        }

        _nodes[node].Stop = stop;
    }

    // Breadth first: a node's fallback, the longest beginning that is a proper end of it, is shallower and known.
    private void Link()
    {
        var queue = new Queue<int>([0]);
        while (queue.TryDequeue(out var node))
        {
            foreach (var (character, next) in _nodes[node].Next)
            {
                if (node != 0) _nodes[next].Fallback = Step(_nodes[node].Fallback, character);
                // The longest stop string that ends here: the node itself, else that of its fallback.
                _nodes[next].Stop ??= _nodes[_nodes[next].Fallback].Stop;
                queue.Enqueue(next);
            }
        }
    }

    private int Step(int node, char character)
    {
        while (true)
        {
            if (_nodes[node].Next.TryGetValue(character, out var next)) return next;
            if (node == 0) return 0;
            node = _nodes[node].Fallback;
        }
    }

    private sealed class Node
    {
        public Dictionary<char, int> Next { get; } = [];

        public int Depth { get; init; }

        public int Fallback { get; set; }

        public string? Stop { get; set; }
    }
}
