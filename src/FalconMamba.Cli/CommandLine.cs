using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace FalconMamba.Cli;

/// <summary>The root command: parses, runs a verb and turns every outcome into an exit code.</summary>
internal static class CommandLine
{
    // A forward pass of the largest models takes about so long between two looks at the cancellation.
    private static readonly TimeSpan TimeToEnd = TimeSpan.FromSeconds(5);

    /// <summary>Runs one command line.</summary>
    /// <param name="args">The arguments, without the program's name.</param>
    /// <param name="terminal">Where to read and write.</param>
    /// <param name="cancellationToken">Cancels as Ctrl-C does.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, Terminal terminal, CancellationToken cancellationToken = default)
    {
        // A prompt may begin with @, so there are no response files.
        var result = Root(terminal).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        try
        {
            return result.Action is ParseErrorAction
                ? TellUsage(result, terminal)
                : await result.InvokeAsync(
                    new InvocationConfiguration
                    {
                        Output = terminal.Output,
                        Error = terminal.Error,
                        EnableDefaultExceptionHandler = false,
                        ProcessTerminationTimeout = terminal.HandlesSignals ? TimeToEnd : null,
                    },
                    cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await terminal.Output.FlushAsync(CancellationToken.None).ConfigureAwait(false);
            await terminal.Error.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static RootCommand Root(Terminal terminal)
    {
        var root = new RootCommand("Runs Falcon Mamba and other Mamba-1 language models from their published checkpoints.")
        {
            GenerateCommand.Create(terminal),
            TokenizeCommand.Create(terminal),
            DetokenizeCommand.Create(terminal),
            LogitsCommand.Create(terminal),
            InspectCommand.Create(terminal),
            ConvertCommand.Create(terminal),
            SynthCommand.Create(terminal),
            BenchCommand.Create(terminal),
        };
        root.Add(CommonOptions.Verbose());
        root.Options.OfType<HelpOption>().Single().Description = "Show this help.";
        root.Options.OfType<VersionOption>().Single().Description = "Show the version.";
        return root;
    }

    private static int TellUsage(ParseResult result, Terminal terminal)
    {
        var verb = result.CommandResult.Command is RootCommand ? "" : " " + result.CommandResult.Command.Name;
        var message = result.Tokens.Count == 0
            ? "No verb was given: try 'falcon-mamba generate'."
            : Failure.Sentence(result.Errors.Count > 0 ? result.Errors[0].Message : "The command line was not understood.");
        terminal.Error.WriteLine($"error: {message} See 'falcon-mamba{verb} --help'.");
        return ExitCode.Usage;
    }
}
