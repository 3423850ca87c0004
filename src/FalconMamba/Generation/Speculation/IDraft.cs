namespace FalconMamba.Generation.Speculation;

/// <summary>Guesses how a text goes on. What it proposes decides how fast the text comes, never what it says.</summary>
internal interface IDraft : IDisposable
{
    /// <summary>Proposes tokens.</summary>
    /// <param name="history">The tokens so far; left as it is.</param>
    /// <param name="position">The place in the sequence of the first token that is proposed; no two calls share one.</param>
    /// <param name="proposal">Takes the tokens; empty at first.</param>
    /// <param name="most">How many there may be, from 1.</param>
    /// <param name="cancellationToken">Looked at before every token.</param>
    void Propose(TokenHistory history, long position, Proposal proposal, int most, CancellationToken cancellationToken);
}
