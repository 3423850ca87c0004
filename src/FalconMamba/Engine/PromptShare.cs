namespace FalconMamba.Engine;

/// <summary>
/// Divides a step's prompt tokens: greater priority first, then equally between owners, then equally between the prompts of
/// each. What somebody does not need goes to the others; where tokens are too few for all, those come first that went
/// without longest.
/// </summary>
internal sealed class PromptShare
{
    // Shares differ by one part at most; more and smaller ones would only take longer to hand out.
    private const int Parts = 64;

    private long _turn;

    /// <summary>Sets each prompt's <see cref="BatchSequence.Share"/>.</summary>
    /// <param name="prompts">The prompts that are being read.</param>
    /// <param name="tokens">How many tokens there are to divide.</param>
    /// <returns>How many were given.</returns>
    public int Divide(List<BatchSequence> prompts, int tokens)
    {
        _turn++;
        foreach (var prompt in prompts) prompt.Share = prompt.Owner.Share = 0;
        var part = Math.Max(1, tokens / Parts);
        var left = tokens;
        while (left > 0 && Neediest(prompts) is { } prompt)
        {
            var given = Math.Min(Math.Min(part, left), prompt.Wanted - prompt.Share);
            prompt.Share += given;
            prompt.Owner.Share += given;
            left -= given;
        }

        foreach (var prompt in prompts)
            if (prompt.Share > 0) prompt.LastTurn = prompt.Owner.LastTurn = _turn;
        return tokens - left;
    }

    private static BatchSequence? Neediest(List<BatchSequence> prompts)
    {
        BatchSequence? neediest = null;
        foreach (var prompt in prompts)
            if (prompt.Share < prompt.Wanted && (neediest is null || Needs(prompt, neediest))) neediest = prompt;
        return neediest;
    }

    private static bool Needs(BatchSequence prompt, BatchSequence other)
    {
        if (prompt.Priority != other.Priority) return prompt.Priority > other.Priority;
        if (prompt.Owner.Share != other.Owner.Share) return prompt.Owner.Share < other.Owner.Share;
        if (prompt.Owner.LastTurn != other.Owner.LastTurn) return prompt.Owner.LastTurn < other.Owner.LastTurn;
        return prompt.Share != other.Share ? prompt.Share < other.Share : prompt.LastTurn < other.LastTurn;
    }
}
