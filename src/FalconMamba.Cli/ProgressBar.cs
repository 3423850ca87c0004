using Spectre.Console;

namespace FalconMamba.Cli;

/// <summary>
/// Shows how far a long piece of work is: a bar on a screen, after a moment, so that short work shows none; elsewhere a line
/// now and then. Disposing takes the bar away.
/// </summary>
internal sealed class ProgressBar : IProgress<long>, IProgress<int>, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1), BetweenFrames = TimeSpan.FromMilliseconds(100), BetweenLines = TimeSpan.FromSeconds(10);

    private readonly Terminal _terminal;
    private readonly string _label;
    private readonly long _total;
    private readonly Func<long, string> _unit;
    private readonly TimeSpan _patience, _betweenFrames;
    private readonly ManualResetEventSlim _done = new();
    private readonly Task _display;
    private long _value;

    /// <summary>Starts watching.</summary>
    /// <param name="terminal">Whose error stream to write to.</param>
    /// <param name="label">What is being done.</param>
    /// <param name="total">The value at the end.</param>
    /// <param name="unit">Writes a value for people.</param>
    /// <param name="patience">How long nothing is shown, if not the usual time.</param>
    /// <param name="betweenFrames">How long a bar stands still, if not the usual time: drawing disturbs work that is timed.</param>
    public ProgressBar(Terminal terminal, string label, long total, Func<long, string> unit, TimeSpan? patience = null, TimeSpan? betweenFrames = null)
    {
        _betweenFrames = betweenFrames ?? BetweenFrames;
        _patience = patience ?? (terminal.ErrorIsScreen ? Patience : BetweenLines);
        _terminal = terminal;
        _label = label;
        _total = Math.Max(1, total);
        _unit = unit;
        _display = Task.Factory.StartNew(Display, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public void Report(long value) => Interlocked.Exchange(ref _value, value);

    public void Report(int value) => Report((long)value);

    public void Dispose()
    {
        if (_done.IsSet) return;
        _done.Set();
        try
        {
            _display.Wait();
        }
        catch (AggregateException)
        {
            // The work is done, whether or not it could be shown.
        }
    }

    private void Display()
    {
        if (_done.Wait(_patience)) return;
        if (_terminal.ErrorIsScreen) DrawBar();
        else WriteLines();
    }

    private void DrawBar() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(_terminal.Error) })
        .Progress()
        .AutoRefresh(false)
        .AutoClear(true)
        .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
        .Start(context =>
        {
            var task = context.AddTask(Description(0), maxValue: _total);
            do
            {
                var value = Interlocked.Read(ref _value);
                task.Description = Description(value);
                task.Value = value;
                context.Refresh();
            }
            while (!_done.Wait(_betweenFrames));
        });

    private string Description(long value) => Markup.Escape($"{_label} {_unit(value)} of {_unit(_total)}");

    private void WriteLines()
    {
        do
        {
            var value = Interlocked.Read(ref _value);
            _terminal.Error.WriteLine($"{_label}: {_unit(value)} of {_unit(_total)} ({100 * value / _total} %)");
        }
        while (!_done.Wait(BetweenLines));
    }
}
