using FalconMamba.Model;

namespace FalconMamba.Generation;

/// <summary>A sequence that a beam search still goes on with: a forked state and its tokens.</summary>
internal sealed class Beam : IDisposable
{
    private readonly List<TokenDetails> _details = [];
    private readonly int[] _next = new int[1];

    /// <param name="state">Its state, which it owns.</param>
    /// <param name="history">Its tokens, which it owns.</param>
    public Beam(RecurrentState state, TokenHistory history) => (State, History) = (state, history);

    /// <summary>The past, without the last token.</summary>
    public RecurrentState State { get; }

    /// <summary>The tokens, the prompt included.</summary>
    public TokenHistory History { get; }

    /// <summary>The log probability of what was generated.</summary>
    public double Score { get; private set; }

    /// <summary>The token to read next.</summary>
    public ReadOnlyMemory<int> Next => _next;

    /// <summary>Takes another beam's content.</summary>
    public void CopyFrom(Beam other)
    {
        State.CopyFrom(other.State);
        History.CopyFrom(other.History);
        _details.Clear();
        _details.AddRange(other._details);
    }

    /// <summary>Goes on with a token.</summary>
    /// <param name="id">The token.</param>
    /// <param name="score">The log probability with it.</param>
    /// <param name="details">What is kept of it; null for nothing.</param>
    public void Append(int id, double score, TokenDetails? details)
    {
        History.Append(id);
        _next[0] = id;
        Score = score;
        if (details is not null) _details.Add(details);
    }

    /// <summary>The sequence that ends with a token; the beam itself stays as it is.</summary>
    /// <param name="id">The last token.</param>
    /// <param name="promptLength">How many of the history's tokens are not generated.</param>
    /// <param name="score">Its final score.</param>
    /// <param name="reason">Why it ends.</param>
    /// <param name="details">What is kept of the last token; null for nothing.</param>
    public GeneratedSequence End(int id, int promptLength, double score, FinishReason reason, TokenDetails? details) => new()
    {
        Ids = [.. History.Ids[promptLength..], id],
        Score = score,
        FinishReason = reason,
        Tokens = details is null ? [] : [.. _details, details],
    };

    /// <inheritdoc/>
    public void Dispose() => State.Dispose();
}
