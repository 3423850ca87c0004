using System.Text;

namespace FalconMamba.Cli.Tests;

/// <summary>What a command line gave.</summary>
internal sealed record Outcome(int Code, string Output, string Error);

/// <summary>Runs command lines in this process.</summary>
internal static class Falcon
{
    /// <summary>The model that ships.</summary>
    public const string Model = "shakespeare-4m";

    /// <summary>Runs one command line with nothing on its standard input.</summary>
    public static Outcome Run(params string[] args) => Run("", args);

    /// <summary>Runs one command line.</summary>
    public static Outcome Run(string input, string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        using var stdin = new MemoryStream(Encoding.UTF8.GetBytes(input));
        var code = CommandLine.RunAsync(args, new Terminal(output, error, stdin), TestContext.Current.CancellationToken).GetAwaiter().GetResult();
        return new Outcome(code, output.ToString(), error.ToString());
    }

    /// <summary>Runs a command line that must end well, and gives its output.</summary>
    public static string Output(params string[] args) => OutputFor("", args);

    /// <inheritdoc cref="Output"/>
    public static string OutputFor(string input, string[] args)
    {
        var outcome = Run(input, args);
        Assert.True(outcome.Code == 0, $"{string.Join(' ', args)}: exit code {outcome.Code}, {outcome.Error}");
        return outcome.Output;
    }

    /// <summary>Runs a command line that must fail with one sentence and write nothing else.</summary>
    public static void Fails(int code, string sentencePart, params string[] args)
    {
        var outcome = Run(args);
        Assert.Equal((code, ""), (outcome.Code, outcome.Output));
        var line = Assert.Single(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => line.StartsWith("error: ", StringComparison.Ordinal));
        Assert.Contains(sentencePart, line, StringComparison.Ordinal);
        Assert.EndsWith(".", line, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", outcome.Error, StringComparison.Ordinal);
    }
}
