using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace FalconMamba.Cli.Tests;

/// <summary>A program in a process of its own, which does not outlive the test that started it.</summary>
internal sealed partial class TestProcess : Process
{
    private const int InterruptNumber = 2;

    /// <summary>Starts falcon-mamba.</summary>
    public static TestProcess Run(params string[] args) => Run(_ => { }, args);

    /// <summary>Starts falcon-mamba in a place of its own.</summary>
    public static TestProcess Run(Action<ProcessStartInfo> change, params string[] args) =>
        Start(change, [Path.Combine(AppContext.BaseDirectory, "falcon-mamba.dll"), .. args]);

    /// <summary>Starts what <c>dotnet</c> is told to.</summary>
    public static TestProcess Start(Action<ProcessStartInfo> change, params string[] args)
    {
        var start = new ProcessStartInfo("dotnet", args)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        change(start);
        var process = new TestProcess { StartInfo = start };
        process.Start();
        return process;
    }

    /// <summary>Skips a test that interrupts a process where that cannot be: a process started here would wait for ever.</summary>
    public static void SkipWithoutInterrupts()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signal to send.");
        Assert.SkipWhen(IgnoresInterrupts(), "Interrupts are ignored here, as shells have it for what runs in the background.");
    }

    /// <summary>Does as Ctrl-C does; there is no such signal to send on Windows.</summary>
    public void Interrupt()
    {
        if (Send(Id, InterruptNumber) != 0) throw new Win32Exception();
    }

    /// <summary>Waits for the end and gives all that was written and not read yet.</summary>
    public async Task<(string Output, string Error)> ReadToEndAsync()
    {
        var error = StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await WaitForExitAsync(TestContext.Current.CancellationToken);
        return (output, await error);
    }

    // A test that fails or is cancelled leaves a process that may go on for hours.
    protected override void Dispose(bool disposing)
    {
        if (disposing && !HasExited) Kill(entireProcessTree: true);
        base.Dispose(disposing);
    }

    // What a process ignores, those that it starts ignore.
    private static bool IgnoresInterrupts()
    {
        const string status = "/proc/self/status", ignored = "SigIgn:";
        return OperatingSystem.IsLinux()
            && File.ReadLines(status).First(line => line.StartsWith(ignored, StringComparison.Ordinal)) is var line
            && (Convert.ToUInt64(line[ignored.Length..].Trim(), 16) & (1UL << (InterruptNumber - 1))) != 0;
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Send(int process, int signal);
}
