using FalconMamba.Model;

namespace FalconMamba.Sessions;

/// <summary>Reads prompts as far as a <see cref="PrefixTree"/> does not know them, and keeps in it what the next ones need.</summary>
/// <param name="model">The model.</param>
/// <param name="tree">The states of earlier prompts.</param>
public sealed class PromptReader(IModelRunner model, PrefixTree tree)
{
    /// <summary>Puts a state behind a prompt: from the longest beginning that is kept, over the rest.</summary>
    /// <param name="owner">Whose prompt it is.</param>
    /// <param name="ids">The prompt.</param>
    /// <param name="state">The state; a chunk without tokens then gives the logits.</param>
    /// <param name="ends">Where messages end: states are kept there, as they are at the prompt's end and on its ladder.</param>
    /// <param name="progress">Told how many tokens are read.</param>
    /// <param name="cancellationToken">Looked at inside long prompts; the state is then at the token its count tells.</param>
    /// <returns>How many tokens did not have to be read.</returns>
    /// <exception cref="ArgumentException">A token is not in the vocabulary.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public int Read(
        string owner,
        ReadOnlyMemory<int> ids,
        RecurrentState state,
        IEnumerable<int>? ends = null,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default)
    {
        var hit = tree.Restore(owner, ids.Span, state);
        Continue(owner, ids, state, ends, progress, cancellationToken);
        return hit;
    }

    /// <summary>Goes on with a prompt from where a state is in it.</summary>
    /// <param name="owner">Whose prompt it is.</param>
    /// <param name="ids">The prompt.</param>
    /// <param name="state">A state that has read a beginning of the prompt and nothing else; it is kept too where a message ends.</param>
    /// <param name="ends">Where messages end.</param>
    /// <param name="progress">Told how many tokens are read.</param>
    /// <param name="cancellationToken">Looked at inside long prompts; a later call goes on.</param>
    /// <exception cref="ArgumentException">A token is not in the vocabulary.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Continue(
        string owner,
        ReadOnlyMemory<int> ids,
        RecurrentState state,
        IEnumerable<int>? ends = null,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(state);
        var start = (int)state.TokenCount;
        SortedSet<int> ended = [.. ends ?? [], ids.Length], stops = [.. ended, .. tree.Ladder(ids.Length)];
        foreach (var stop in stops)
        {
            var from = (int)state.TokenCount;
            if (stop == 0 || stop < from || stop > ids.Length) continue;
            if (stop > from) Read(owner, ids, state, stop, progress is null ? null : new OffsetProgress(progress, from - start), cancellationToken);
            tree.Keep(owner, ids.Span[..stop], state, isRung: !ended.Contains(stop));
        }
    }

    private void Read(string owner, ReadOnlyMemory<int> ids, RecurrentState state, int stop, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        var from = (int)state.TokenCount;
        try
        {
            model.Forward([new Chunk(state, ids[from..stop]) { Logits = RowSelection.None }], [], progress: progress, cancellationToken: cancellationToken);
        }
        catch (OperationCanceledException) when (state.TokenCount > from)
        {
            // Who does not go on from here may still come back to it.
            tree.Keep(owner, ids.Span[..(int)state.TokenCount], state, isRung: true);
            throw;
        }
    }

    private sealed class OffsetProgress(IProgress<int> progress, int offset) : IProgress<int>
    {
        public void Report(int value) => progress.Report(offset + value);
    }
}
