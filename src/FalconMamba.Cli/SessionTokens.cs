using System.Globalization;
using FalconMamba.Generation;
using FalconMamba.Sessions;

namespace FalconMamba.Cli;

/// <summary>The tokens of a saved session, which penalties look at: strings beside the state.</summary>
internal static class SessionTokens
{
    /// <summary>The key of how many of the tokens are prompt.</summary>
    public const string PromptKey = "tokens.prompt_length";

    private const string IdsKey = StoredState.IdsKey, LimitKey = "tokens.mirostat_mu";

    /// <summary>The tokens that a session was saved with; null where it has none, or others than the state has seen.</summary>
    /// <param name="notes">The session's strings.</param>
    /// <param name="tokenCount">How many tokens the state has seen.</param>
    public static TokenHistory? Restore(IReadOnlyDictionary<string, string> notes, long tokenCount)
    {
        if (!notes.TryGetValue(IdsKey, out var text) || IdList.TryParse(text, out _) is not { } ids || ids.Length != tokenCount) return null;
        if (!notes.TryGetValue(PromptKey, out var prompt) || !int.TryParse(prompt, NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > ids.Length)
            return null;
        return new TokenHistory(ids, length)
        {
            MirostatMu = notes.TryGetValue(LimitKey, out var limit) && double.TryParse(limit, NumberStyles.Float, CultureInfo.InvariantCulture, out var mu) && double.IsFinite(mu) ? mu : null,
        };
    }

    /// <summary>A session's strings with its tokens among them.</summary>
    /// <param name="notes">The other strings.</param>
    /// <param name="history">The tokens; null where they are not known.</param>
    public static IReadOnlyDictionary<string, string> AddTo(IReadOnlyDictionary<string, string> notes, TokenHistory? history)
    {
        if (history is null) return notes;
        var all = new Dictionary<string, string>(notes)
        {
            [IdsKey] = string.Join(' ', history.Ids.ToArray()),
            [PromptKey] = history.PromptLength.ToString(CultureInfo.InvariantCulture),
        };
        if (history.MirostatMu is { } limit) all[LimitKey] = limit.ToString("R", CultureInfo.InvariantCulture);
        return all;
    }
}
