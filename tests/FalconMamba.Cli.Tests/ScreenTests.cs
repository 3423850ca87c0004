namespace FalconMamba.Cli.Tests;

public class ScreenTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Tables_show_every_cell(bool isScreen)
    {
        using var output = new StringWriter { NewLine = "\n" };
        var table = new TextTable(1, "name", "bytes");
        table.Add("[red]x[/]", "1");
        table.Add("y", "23,456");
        table.Write(new Terminal(output, TextWriter.Null, Stream.Null) { OutputIsScreen = isScreen });
        foreach (var part in (string[])["name", "bytes", "[red]x[/]", "y", "23,456"]) Assert.Contains(part, output.ToString(), StringComparison.Ordinal);
        if (!isScreen) Assert.Equal("name        bytes\n[red]x[/]       1\ny          23,456\n", output.ToString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Short_work_shows_no_progress(bool isScreen)
    {
        using var error = new StringWriter();
        using (var bar = new ProgressBar(new Terminal(TextWriter.Null, error, Stream.Null) { ErrorIsScreen = isScreen }, "work", 10, Units.Bytes))
            for (var i = 0; i <= 10; i++) bar.Report(i);
        Assert.Equal("", error.ToString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Long_work_shows_how_far_it_is(bool isScreen)
    {
        using var shown = new ManualResetEventSlim();
        using var error = new WatchedWriter(" of 7.00 kB", shown);
        using (var bar = new ProgressBar(new Terminal(TextWriter.Null, error, Stream.Null) { ErrorIsScreen = isScreen }, "[work]", 7000, Units.Bytes, TimeSpan.Zero))
        {
            bar.Report(3000);
            Assert.True(shown.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        }

        Assert.Contains("[work]", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "0 bytes")]
    [InlineData(999, "999 bytes")]
    [InlineData(1000, "1.00 kB")]
    [InlineData(7353856, "7.35 MB")]
    [InlineData(999_600_000, "1.00 GB")]
    [InlineData(14_545_330_176, "14.5 GB")]
    public void Bytes_are_told_in_three_digits(long bytes, string text) => Assert.Equal(text, Units.Bytes(bytes));

    /// <summary>Tells when a text was written.</summary>
    private sealed class WatchedWriter(string text, ManualResetEventSlim shown) : StringWriter
    {
        private readonly Lock _gate = new();

        public override void Write(char value) => Watch(() => base.Write(value));

        public override void Write(string? value) => Watch(() => base.Write(value));

        public override void Write(char[] buffer, int index, int count) => Watch(() => base.Write(buffer, index, count));

        private void Watch(Action write)
        {
            lock (_gate)
            {
                write();
                if (ToString().Contains(text, StringComparison.Ordinal)) shown.Set();
            }
        }
    }
}
