using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace FalconMamba.Cli.Documents;

/// <summary>
/// Takes the text out of a document in a process of its own, with bounded memory: a file that is made to bring a reader down
/// brings down that one.
/// </summary>
internal static class UnwrapProcess
{
    // For the runtime's own variable, in hexadecimal: a gigabyte of objects.
    private const string MostMemory = "0x40000000";

    private const string ErrorMark = "error: ";

    // Pages take seconds; what says nothing for so long goes round in circles.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>The text of a document.</summary>
    /// <exception cref="CommandException">The file is damaged, too large, or no such document.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static string Read(Terminal terminal, string path, CancellationToken cancellationToken)
    {
        using var process = Process.Start(StartOf(path)) ?? throw new CommandException($"{path} cannot be read, no process could be started for it: give its text.");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ProgressBar? bar = null;
        try
        {
            var text = process.StandardOutput.ReadToEndAsync(patience.Token);
            string? error = null;
            patience.CancelAfter(Patience);
            while (process.StandardError.ReadLineAsync(patience.Token).AsTask().GetAwaiter().GetResult() is { } line)
            {
                patience.CancelAfter(Patience);
                if (line.StartsWith(ErrorMark, StringComparison.Ordinal)) error ??= line[ErrorMark.Length..];
                else if (Progress(line) is var (done, total)) (bar ??= new ProgressBar(terminal, $"taking the text out of {Path.GetFileName(path)}", total, Units.Digits)).Report(done);
            }

            var whole = text.GetAwaiter().GetResult();
            process.WaitForExit();
            if (process.ExitCode == ExitCode.Ok) return whole;
            throw new CommandException(error ?? $"{path} brought its reader down, so it is damaged or made for that: give its text.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandException($"{path} was given up, nothing came of it for {Patience.TotalMinutes} minutes: give its text.");
        }
        finally
        {
            bar?.Dispose();
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private static ProcessStartInfo StartOf(string path)
    {
        var program = Environment.ProcessPath ?? "dotnet";
        var isOwn = Path.GetFileNameWithoutExtension(program) == "falcon-mamba";
        var start = isOwn ? new ProcessStartInfo(program) : new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "falcon-mamba.dll")]);
        foreach (var argument in (string[])[UnwrapCommand.Name, "--", path]) start.ArgumentList.Add(argument);
        start.Environment["DOTNET_GCHeapHardLimit"] = MostMemory;
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        start.StandardOutputEncoding = start.StandardErrorEncoding = Encoding.UTF8;
        return start;
    }

    // How many pages there are comes with the first one.
    private static (int Done, int Total)? Progress(string line) =>
        line.StartsWith(UnwrapCommand.ProgressMark, StringComparison.Ordinal)
        && line[UnwrapCommand.ProgressMark.Length..].Split(' ') is [var done, var total]
        && int.TryParse(done, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
        && int.TryParse(total, NumberStyles.None, CultureInfo.InvariantCulture, out var all) ? (count, all) : null;
}
