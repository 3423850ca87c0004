using FalconMamba.Hub;
using Microsoft.Extensions.Options;

namespace FalconMamba.Extensions.AI;

/// <summary>Refuses options that no model could run with, before the first request does.</summary>
internal sealed class FalconMambaOptionsValidator : IValidateOptions<FalconMambaOptions>
{
    private const int MostPrefillTokens = 16384, MostRequests = 4096;

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, FalconMambaOptions options)
    {
        var faults = Faults(options).ToArray();
        return faults.Length > 0 ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
    }

    private static IEnumerable<string> Faults(FalconMambaOptions options)
    {
        if (MissingModel(options.Model) is { } missing) yield return missing;
        if (options.ModelId is { } id && string.IsNullOrWhiteSpace(id)) yield return "FalconMambaOptions.ModelId is empty: leave it out, or give a name.";
        if (options.Threads < 0) yield return $"FalconMambaOptions.Threads is {options.Threads}: give a number of threads, or 0 for one a physical core.";
        if (options.PrefillChunkSize is < 1 or > MostPrefillTokens)
            yield return $"FalconMambaOptions.PrefillChunkSize is {options.PrefillChunkSize}: give 1 to {MostPrefillTokens} tokens.";
        if (options.MaxOutputTokens < 1) yield return $"FalconMambaOptions.MaxOutputTokens is {options.MaxOutputTokens}: give 1 or more.";
        if (options.MaxRunningRequests is < 1 or > MostRequests) yield return $"FalconMambaOptions.MaxRunningRequests is {options.MaxRunningRequests}: give 1 to {MostRequests}.";
        if (options.MaxWaitingRequests < 1) yield return $"FalconMambaOptions.MaxWaitingRequests is {options.MaxWaitingRequests}: give 1 or more.";
        if (options.ConversationBytes < 0) yield return $"FalconMambaOptions.ConversationBytes is {options.ConversationBytes}: give bytes, or 0 to keep no conversation.";
        if (!Enum.IsDefined(options.Pooling)) yield return $"FalconMambaOptions.Pooling is {options.Pooling}: give {string.Join(" or ", Enum.GetNames<EmbeddingPooling>())}.";
    }

    private static string? MissingModel(string model)
    {
        if (string.IsNullOrWhiteSpace(model)) return "FalconMambaOptions.Model is empty: give a model's folder, a GGUF file, the name of a model that ships, or an id that was pulled.";
        try
        {
            ModelResolver.Resolve(model);
            return null;
        }
        catch (Exception e) when (e is IOException or HubException or UnauthorizedAccessException or ArgumentException)
        {
            return $"FalconMambaOptions.Model: {e.Message}";
        }
    }
}
