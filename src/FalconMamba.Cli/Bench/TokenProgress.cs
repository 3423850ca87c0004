namespace FalconMamba.Cli.Bench;

/// <summary>Adds up the tokens of one forward pass after the other, for a progress bar; those of a warm-up do not count.</summary>
internal sealed class TokenProgress : IProgress<int>
{
    private IProgress<long>? _target;
    private long _before;

    /// <summary>Counts from nothing on.</summary>
    public void Begin(IProgress<long> target) => (_target, _before) = (target, 0);

    /// <summary>Runs something that does not count.</summary>
    public void Pause(Action run)
    {
        (var target, _target) = (_target, null);
        run();
        _target = target;
    }

    /// <summary>Told how many tokens of a pass are done.</summary>
    public void Report(int value) => _target?.Report(_before + value);

    /// <summary>Ends a pass of so many tokens.</summary>
    public void Add(int tokens)
    {
        if (_target is not null) _before += tokens;
    }
}
