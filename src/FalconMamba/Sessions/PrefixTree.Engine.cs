using FalconMamba.Engine;
using FalconMamba.Model;

namespace FalconMamba.Sessions;

// What an engine asks of a tree. Requests that name no owner have the one whose name is empty.
public sealed partial class PrefixTree : IPrefixCache
{
    /// <inheritdoc/>
    int IPrefixCache.Find(string? owner, ReadOnlySpan<int> ids, RecurrentState into) => Restore(owner ?? "", ids, into);

    /// <inheritdoc/>
    void IPrefixCache.Keep(string? owner, ReadOnlySpan<int> ids, RecurrentState state, bool isInside) => Keep(owner ?? "", ids, state, isInside);

    /// <inheritdoc/>
    int IPrefixCache.NextKept(int position, int length) => Array.Find(Ladder(length), rung => rung > position) is > 0 and var rung ? rung : length;
}
