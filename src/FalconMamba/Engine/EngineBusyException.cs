namespace FalconMamba.Engine;

/// <summary>As many requests wait for an engine as may: this one was not taken, and nothing has happened.</summary>
public sealed class EngineBusyException : InvalidOperationException
{
    internal EngineBusyException(int waiting)
        : base($"{waiting} requests are waiting already, which is the limit: ask again later, or raise {nameof(BatchEngineOptions.MaxWaiting)}.")
    {
    }
}
