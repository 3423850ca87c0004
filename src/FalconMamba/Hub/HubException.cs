namespace FalconMamba.Hub;

/// <summary>A model cannot be found or downloaded. The message is one sentence that says what to do.</summary>
public sealed class HubException : IOException
{
    /// <summary>Creates the error.</summary>
    /// <param name="problem">What is wrong.</param>
    /// <param name="message">One sentence that says what to do.</param>
    /// <param name="innerException">The error that led here, if any.</param>
    public HubException(HubProblem problem, string message, Exception? innerException = null)
        : base(message, innerException) => Problem = problem;

    /// <summary>What is wrong.</summary>
    public HubProblem Problem { get; }

    /// <summary>Whether the same request may well succeed later.</summary>
    internal bool IsTransient { get; init; }

    /// <summary>How long the hub asks to wait, if it says so.</summary>
    internal TimeSpan? RetryAfter { get; init; }

    /// <summary>The commit that the hub named in its answer, if any.</summary>
    internal string? Commit { get; init; }
}
