using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using FalconMamba.Cli.Bench;
using FalconMamba.Cli.Documents;
using FalconMamba.Cli.Models;
using FalconMamba.Cli.Plan;
using FalconMamba.Cli.Sessions;

namespace FalconMamba.Cli;

/// <summary>The root command: parses, runs a verb and turns every outcome into an exit code.</summary>
internal static class CommandLine
{
    // A forward pass of the largest models takes about so long between two looks at the cancellation.
    private static readonly TimeSpan TimeToEnd = TimeSpan.FromSeconds(5);

    // In the order of the help.
    private static readonly (string Name, Func<Terminal, Command> Create)[] Verbs =
    [
        ("generate", GenerateCommand.Create),
        (ChatCommand.Name, ChatCommand.Create),
        ("read", ReadCommand.Create),
        ("ask", AskCommand.Create),
        ("sessions", SessionsCommand.Create),
        ("tokenize", TokenizeCommand.Create),
        ("detokenize", DetokenizeCommand.Create),
        ("logits", LogitsCommand.Create),
        ("inspect", InspectCommand.Create),
        ("convert", ConvertCommand.Create),
        ("synth", SynthCommand.Create),
        ("bench", BenchCommand.Create),
        ("plan", PlanCommand.Create),
        ("pull", PullCommand.Create),
        ("models", ModelsCommand.Create),
        (UnwrapCommand.Name, UnwrapCommand.Create),
    ];

    /// <summary>Runs one command line.</summary>
    /// <param name="args">The arguments, without the program's name.</param>
    /// <param name="terminal">Where to read and write.</param>
    /// <param name="cancellationToken">Cancels as Ctrl-C does.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, Terminal terminal, CancellationToken cancellationToken = default)
    {
        // A prompt may begin with @, so there are no response files.
        var result = Root(terminal, args is [var verb, ..] ? verb : null).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        try
        {
            return Wrong(result) is { } message
                ? Failure.TellUsage(terminal, message, result.CommandResult.Command)
                : await result.InvokeAsync(
                    new InvocationConfiguration
                    {
                        Output = terminal.Output,
                        Error = terminal.Error,
                        EnableDefaultExceptionHandler = false,
                        // A chat stops an answer and not the program, and so listens itself.
                        ProcessTerminationTimeout = terminal.HandlesSignals && result.CommandResult.Command.Name != ChatCommand.Name ? TimeToEnd : null,
                    },
                    cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await FlushAsync(terminal.Output).ConfigureAwait(false);
            await terminal.Error.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static async Task FlushAsync(TextWriter output)
    {
        try
        {
            await output.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (IOException e) when (Failure.IsClosedPipe(e))
        {
        }
    }

    private static RootCommand Root(Terminal terminal, string? verb)
    {
        var root = new RootCommand("Runs Falcon Mamba and other Mamba-1 language models from their published checkpoints.");
        // Where one is named the others are not made: it takes a process of its own more than a hundredth of a second.
        var named = Array.FindIndex(Verbs, known => known.Name == verb);
        foreach (var (_, create) in named < 0 ? Verbs : Verbs.AsSpan(named, 1)) root.Add(create(terminal));
        root.Add(CommonOptions.Verbose());
        root.Options.OfType<HelpOption>().Single().Description = "Show this help.";
        root.Options.OfType<VersionOption>().Single().Description = "Show the version.";
        return root;
    }

    /// <summary>What is wrong with the command line, or null.</summary>
    private static string? Wrong(ParseResult result)
    {
        var command = result.CommandResult.Command;
        return (command.Subcommands.Count > 0, result.Action is ParseErrorAction, result.UnmatchedTokens) switch
        {
            (true, true, []) => $"no verb was given, try '{command.Subcommands[0].FullName()}'",
            (true, true, [var word, ..]) => $"there is no verb {word}, use one of {string.Join(", ", command.Subcommands.Where(verb => !verb.Hidden).Select(verb => verb.Name))}",
            (false, _, _) when UnknownOption(result) is { } option => $"there is no option {option}; a text that begins with a dash goes behind --",
            (_, true, _) => result.Errors[0].Message,
            _ => null,
        };
    }

    // The parser takes an option that it does not know for an argument.
    private static string? UnknownOption(ParseResult result) => result.Tokens.Any(token => token.Type == TokenType.DoubleDash)
        ? null
        : result.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens)
            .FirstOrDefault(token => token.Value is ['-', '-', _, ..] or ['-', >= 'A' and <= 'z', ..])?.Value;
}
