using System.Diagnostics;

namespace FalconMamba.Packages.Tests;

/// <summary>A process that does not outlive the test that started it.</summary>
internal sealed class Child : Process
{
    private string _command = "";

    /// <summary>Starts a program.</summary>
    /// <param name="folder">The folder it is in.</param>
    /// <param name="environment">Variables that are set for it, or removed where the value is null.</param>
    /// <param name="program">The program.</param>
    /// <param name="args">Its arguments.</param>
    public static Child Start(string folder, IReadOnlyDictionary<string, string?> environment, string program, string[] args)
    {
        var start = new ProcessStartInfo(program, args) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        var process = new Child { StartInfo = start, _command = $"{Path.GetFileName(program)} {string.Join(' ', args)}" };
        process.Start();
        return process;
    }

    /// <summary>Waits for the end and gives what was written.</summary>
    /// <exception cref="InvalidOperationException">It ended badly; the message has all it wrote.</exception>
    public async Task<string> ReadToEndAsync()
    {
        var stop = TestContext.Current.CancellationToken;
        var error = StandardError.ReadToEndAsync(stop);
        var output = await StandardOutput.ReadToEndAsync(stop);
        await WaitForExitAsync(stop);
        return ExitCode == 0 ? output : throw new InvalidOperationException($"{_command}: exit code {ExitCode}\n{output}\n{await error}");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !HasExited) Kill(entireProcessTree: true);
        base.Dispose(disposing);
    }
}
