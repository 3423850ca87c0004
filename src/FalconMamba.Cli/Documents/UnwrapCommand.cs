using System.CommandLine;

namespace FalconMamba.Cli.Documents;

/// <summary><c>unwrap</c>: the text of a document, for <see cref="UnwrapProcess"/>, which alone calls it.</summary>
internal static class UnwrapCommand
{
    /// <summary>The verb, which no help shows.</summary>
    public const string Name = "unwrap";

    /// <summary>What a line on the error stream begins with that tells how far it is.</summary>
    public const string ProgressMark = "progress ";

    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("FILE");
        var command = new Command(Name, "Write the text of a document.") { file };
        command.Hidden = true;
        command.OnRun(terminal, (parse, _) => terminal.Output.Write(DocumentFormats.Unwrap(
            parse.GetValue(file)!,
            (done, total) => terminal.Error.WriteLine(FormattableString.Invariant($"{ProgressMark}{done} {total}")))));
        return command;
    }
}
