using System.Diagnostics;

namespace FalconMamba.Extensions.AI.Observation;

/// <summary>One request as it is measured, traced and logged.</summary>
internal sealed class Operation(GenAiInstruments instruments, string name, Activity? activity) : IDisposable
{
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>The tokens read; null before they are known.</summary>
    public long? InputTokens { get; set; }

    /// <summary>The tokens written; null where nothing writes.</summary>
    public long? OutputTokens { get; set; }

    /// <summary>Why it ended; null where it has not, or where there is no such thing.</summary>
    public string? FinishReason { get; set; }

    /// <summary>The response's id; null where it has none.</summary>
    public string? ResponseId { get; init; }

    /// <summary>Ends the observation.</summary>
    /// <param name="work">The work, which has ended.</param>
    public void End(Task work)
    {
        var seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds;
        // An error's words may hold a user's, its type cannot.
        var error = work.Exception?.InnerException?.GetType().FullName ?? (work.IsCanceled ? typeof(OperationCanceledException).FullName : null);
        Measure(seconds, error);
        Trace(error);
        if (work.IsCanceled) Log.Cancelled(instruments.Logger, name, instruments.ModelId, InputTokens, OutputTokens, seconds);
        else if (error is not null) Log.Failed(instruments.Logger, name, instruments.ModelId, error, seconds);
        else Log.Finished(instruments.Logger, name, instruments.ModelId, InputTokens, OutputTokens, FinishReason, seconds);
    }

    /// <summary>Ends the activity.</summary>
    public void Dispose() => activity?.Dispose();

    private void Measure(double seconds, string? error)
    {
        var tags = new TagList { { GenAiNames.OperationName, name }, { GenAiNames.ProviderName, GenAiNames.Provider }, { GenAiNames.RequestModel, instruments.ModelId } };
        Count(InputTokens, GenAiNames.Input, tags);
        Count(OutputTokens, GenAiNames.Output, tags);
        if (error is not null) tags.Add(GenAiNames.ErrorType, error);
        instruments.Duration.Record(seconds, tags);
    }

    private void Count(long? tokens, string type, TagList tags)
    {
        if (tokens is not { } count) return;
        tags.Add(GenAiNames.TokenType, type);
        instruments.TokenUsage.Record(count, tags);
    }

    private void Trace(string? error)
    {
        if (activity is null) return;
        activity.SetTag(GenAiNames.OperationName, name).SetTag(GenAiNames.ProviderName, GenAiNames.Provider)
            .SetTag(GenAiNames.RequestModel, instruments.ModelId).SetTag(GenAiNames.ResponseModel, instruments.ModelId)
            .SetTag(GenAiNames.ResponseId, ResponseId).SetTag(GenAiNames.InputTokens, InputTokens).SetTag(GenAiNames.OutputTokens, OutputTokens)
            .SetTag(GenAiNames.ErrorType, error);
        if (FinishReason is not null) activity.SetTag(GenAiNames.FinishReasons, new[] { FinishReason });
        if (error is not null) activity.SetStatus(ActivityStatusCode.Error);
    }
}
