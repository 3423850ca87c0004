using Microsoft.Extensions.Logging;

namespace FalconMamba.Extensions.AI.Observation;

/// <summary>What is logged. Only the last two hold text, and only where the options allow it.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "{Operation} with {Model}: {InputTokens} tokens read, {OutputTokens} written, {FinishReason}, {Seconds:F2} s.")]
    public static partial void Finished(ILogger logger, string operation, string model, long? inputTokens, long? outputTokens, string? finishReason, double seconds);

    [LoggerMessage(2, LogLevel.Information, "{Operation} with {Model} was cancelled: {InputTokens} tokens read, {OutputTokens} written, {Seconds:F2} s.")]
    public static partial void Cancelled(ILogger logger, string operation, string model, long? inputTokens, long? outputTokens, double seconds);

    [LoggerMessage(3, LogLevel.Warning, "{Operation} with {Model} failed after {Seconds:F2} s: {ErrorType}.")]
    public static partial void Failed(ILogger logger, string operation, string model, string errorType, double seconds);

    [LoggerMessage(4, LogLevel.Debug, "{Model}: {Setting}")]
    public static partial void SettingLeftOut(ILogger logger, string model, string setting);

    [LoggerMessage(5, LogLevel.Trace, "Prompt: {Prompt}")]
    public static partial void Prompt(ILogger logger, string prompt);

    [LoggerMessage(6, LogLevel.Trace, "Answer: {Answer}")]
    public static partial void Answer(ILogger logger, string answer);
}
