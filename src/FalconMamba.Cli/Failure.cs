using System.CommandLine;
using FalconMamba.ChatTemplates;

namespace FalconMamba.Cli;

/// <summary>The command line makes no sense; the message is one sentence.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>A command cannot be carried out; the message is one sentence.</summary>
internal sealed class CommandException(string message) : Exception(message);

/// <summary>The user stopped a verb that listens for that itself.</summary>
internal sealed class InterruptedException() : OperationCanceledException("The user stopped it.");

/// <summary>Runs verbs and turns exceptions into one sentence on the error stream and an exit code.</summary>
internal static class Failure
{
    // EPIPE, the same on Linux and macOS.
    private const int BrokenPipe = 32;

    /// <summary>Makes a verb do its work on a thread of its own, so that Ctrl-C can end the process whatever it is doing.</summary>
    public static void OnRun(this Command command, Terminal terminal, Action<ParseResult, CancellationToken> work) =>
        command.SetAction((parse, cancellationToken) => Task.Run(() => Run(parse, terminal, work, cancellationToken), CancellationToken.None));

    /// <inheritdoc cref="OnRun(Command, Terminal, Action{ParseResult, CancellationToken})"/>
    public static void OnRun(this Command command, Terminal terminal, Func<ParseResult, CancellationToken, Task> work) =>
        command.OnRun(terminal, (parse, cancellationToken) => work(parse, cancellationToken).GetAwaiter().GetResult());

    /// <summary>The first line of a message without the name of a parameter, ended by a full stop.</summary>
    public static string Sentence(string message)
    {
        var line = ScreenLine.Of(message.Split('\n', 2)[0].Trim());
        var parameter = line.IndexOf(" (Parameter '", StringComparison.Ordinal);
        if (parameter >= 0) line = line[..parameter];
        return line.Length > 0 && line[^1] is '.' or '!' or '?' ? line : line + ".";
    }

    /// <summary>Tells what is wrong with the command line and where its rules are.</summary>
    public static int TellUsage(Terminal terminal, string message, Command command)
    {
        terminal.Error.WriteLine($"error: {Sentence(message).TrimEnd('.')} (see '{command.FullName()} --help').");
        return ExitCode.Usage;
    }

    /// <summary>The words that call a verb: <c>falcon-mamba models list</c>.</summary>
    public static string FullName(this Command command) =>
        command is RootCommand ? "falcon-mamba" : $"{command.Parents.OfType<Command>().First().FullName()} {command.Name}";

    private static int Run(ParseResult parse, Terminal terminal, Action<ParseResult, CancellationToken> work, CancellationToken cancellationToken)
    {
        try
        {
            work(parse, cancellationToken);
            return ExitCode.Ok;
        }
        catch (OperationCanceledException e) when (e is InterruptedException || cancellationToken.IsCancellationRequested)
        {
            terminal.Error.WriteLine(terminal.ErrorIsScreen ? "\ncancelled" : "cancelled");
            return ExitCode.Cancelled;
        }
        catch (Exception e) when (IsClosedPipe(e))
        {
            return ExitCode.Ok;
        }
        catch (UsageException e)
        {
            return TellUsage(terminal, e.Message, parse.CommandResult.Command);
        }
        catch (Exception e)
        {
            terminal.Output.Flush();
            terminal.Error.WriteLine($"error: {Describe(e)}");
            if (parse.GetValue<bool>(CommonOptions.VerboseName)) terminal.Error.WriteLine(e);
            return ExitCode.Failure;
        }
    }

    /// <summary>Whether nobody reads on, as behind <c>| head</c>: then there is nothing left to do, and nothing is wrong.</summary>
    public static bool IsClosedPipe(Exception e) => e is IOException { HResult: BrokenPipe };

    /// <summary>One sentence that says what went wrong.</summary>
    public static string Describe(Exception e) => e switch
    {
        // The runtime's own words name the file and nothing else.
        FileNotFoundException { FileName: { } name } when e.Message.StartsWith("Could not find file", StringComparison.Ordinal) =>
            $"{name} was not found: check the name, or give the folder of a model that has it.",
        CommandException or UsageException or ChatTemplateException or IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException or NotSupportedException =>
            Sentence(e.Message),
        OutOfMemoryException => "There is not enough memory for this: use a smaller model or a shorter prompt.",
        _ => $"This should not have happened ({Sentence(e.GetType().Name + ": " + e.Message).TrimEnd('.')}): run again with --verbose and report it.",
    };
}
