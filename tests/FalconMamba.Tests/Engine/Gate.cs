namespace FalconMamba.Tests.Engine;

/// <summary>Holds a model's next forward pass, so that a test can act while it runs.</summary>
internal sealed class Gate : IDisposable
{
    private bool _isOpen;

    public Gate(WatchedModel model) => model.OnForward = (_, _) =>
    {
        if (_isOpen) return;
        _isOpen = true;
        Begun.Set();
        Release.Wait();
    };

    /// <summary>Set when the pass has begun.</summary>
    public ManualResetEventSlim Begun { get; } = new();

    /// <summary>Lets it go on.</summary>
    public ManualResetEventSlim Release { get; } = new();

    public void Dispose()
    {
        Begun.Dispose();
        Release.Dispose();
    }
}
