namespace FalconMamba.Generation.Speculation;

/// <summary>
/// Guesses how a text goes on. What it proposes decides how fast the text comes, never what it says. It may serve one text after
/// the other.
/// </summary>
internal interface IDraft : IDisposable
{
    /// <summary>Proposes tokens.</summary>
    /// <param name="history">The tokens so far; left as it is.</param>
    /// <param name="position">The place in the sequence of the first token that is proposed; no two calls share one.</param>
    /// <param name="proposal">Takes the tokens; empty at first.</param>
    /// <param name="most">How many there may be, from 1.</param>
    /// <param name="cancellationToken">Looked at before every token.</param>
    void Propose(TokenHistory history, long position, Proposal proposal, int most, CancellationToken cancellationToken);

    /// <summary>What options ask to guess with; null for nothing.</summary>
    /// <param name="options">Whether and how to guess.</param>
    /// <param name="sampler">Chooses the tokens of the text.</param>
    static IDraft? Of(GenerationOptions options, Sampler sampler)
    {
        if (options.AssistantModel is { } assistant)
            return new ModelDraft(assistant, sampler, options.DraftTokens, options.AssistantConfidenceThreshold ?? GenerationOptions.DefaultAssistantConfidenceThreshold);
        return options.DraftTokens > 0 ? new PromptLookup(options.MaxMatchingNgramSize ?? GenerationOptions.DefaultMaxMatchingNgramSize) : null;
    }
}
