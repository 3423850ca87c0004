using FalconMamba.Cli.Bench;

namespace FalconMamba.Cli.Tests;

public class TokenProgressTests
{
    [Fact]
    public void Passes_add_up_and_a_pause_does_not_count()
    {
        var told = new List<long>();
        var progress = new TokenProgress();
        progress.Report(1);
        progress.Begin(new Listener(told.Add));
        Pass(5);
        progress.Pause(() => Pass(100));
        Pass(7);
        Assert.Equal([3, 5, 8, 12], told);

        void Pass(int tokens)
        {
            progress.Report(Math.Min(3, tokens));
            progress.Report(tokens);
            progress.Add(tokens);
        }
    }

    private sealed class Listener(Action<long> tell) : IProgress<long>
    {
        public void Report(long value) => tell(value);
    }
}
