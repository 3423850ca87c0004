using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FalconMamba.Cli.Tests;

/// <summary>What only a process of its own shows: exit codes, streams, signals, places of models.</summary>
public partial class ProcessTests
{
    private const int Interrupt = 2;

    [Theory]
    [InlineData(0, "tokenize", "shakespeare-4m", "Hello")]
    [InlineData(1, "tokenize", "absent", "Hello")]
    [InlineData(2, "tokenize")]
    public async Task Data_and_errors_keep_to_their_streams(int code, params string[] args)
    {
        using var process = Start(args);
        var (output, error) = await Streams(process);
        Assert.Equal(code, process.ExitCode);
        Assert.Equal(code == 0, output.Length > 0);
        Assert.Equal(code == 0, error.Length == 0);
    }

    [Fact]
    public async Task Text_is_utf8_both_ways()
    {
        using var tokens = Start("tokenize", "shakespeare-4m");
        await tokens.StandardInput.BaseStream.WriteAsync("é你🙂\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        tokens.StandardInput.Close();
        var (ids, _) = await Streams(tokens);
        using var text = Start(["detokenize", "shakespeare-4m", .. ids.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)]);
        using var bytes = new MemoryStream();
        await text.StandardOutput.BaseStream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        await text.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("é你🙂\r\n"u8.ToArray(), bytes.ToArray());
    }

    [Fact]
    public async Task Models_are_found_through_the_environment_and_above_the_current_folder()
    {
        using var folder = new TemporaryFolder();
        Falcon.Output("convert", Falcon.Model, folder["far/here"], "--type", "F32");
        Falcon.Output("convert", Falcon.Model, folder["near/models/there"], "--type", "F32");
        Directory.CreateDirectory(folder["near/a/b"]);
        foreach (var (model, code) in ((string, int)[])[("here", 0), ("there", 0), ("nowhere", 1)])
        {
            using var process = Start(
                start =>
                {
                    start.WorkingDirectory = folder["near/a/b"];
                    start.Environment["FALCON_MAMBA_MODELS"] = folder["far"];
                },
                "tokenize", model, "Hello");
            var (_, error) = await Streams(process);
            Assert.Equal(code, process.ExitCode);
            if (code != 0) Assert.Contains("here, shakespeare-4m, there", error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("128", 0, "FALCON_MAMBA_KERNELS=128")]
    [InlineData("25", 1, "error: FALCON_MAMBA_KERNELS is \"25\": use amx (where AMX is), emitted (where AVX-512 and VNNI are), 512, 256, 128 or generic.")]
    public async Task A_variable_names_the_kernels(string path, int code, string expected)
    {
        using var process = Start(start => start.Environment["FALCON_MAMBA_KERNELS"] = path, "inspect", "shakespeare-4m", "--kernels");
        var (output, error) = await Streams(process);
        Assert.Equal(code, process.ExitCode);
        if (code == 0) Assert.Contains(expected, output, StringComparison.Ordinal);
        else Assert.Equal((expected, ""), (error.Trim(), output));
    }

    [Fact]
    public async Task An_interrupt_keeps_what_was_printed_and_saves_nothing()
    {
        // There is no such signal to send on Windows.
        if (OperatingSystem.IsWindows()) return;
        using var folder = new TemporaryFolder();
        using var process = Start("generate", "-p", "ROMEO:", "-n", "100000000", "--ignore-eos", "--save-state", folder["state"]);
        var first = new char[20];
        Assert.Equal(20, await process.StandardOutput.ReadBlockAsync(first, TestContext.Current.CancellationToken));
        if (Kill(process.Id, Interrupt) != 0) throw new Win32Exception();
        var (_, error) = await Streams(process);
        Assert.Equal((130, "cancelled"), (process.ExitCode, error.Trim()));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Root));
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);

    private static Process Start(params string[] args) => Start(_ => { }, args);

    private static Process Start(Action<ProcessStartInfo> change, params string[] args)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "falcon-mamba.dll"), .. args])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = System.Text.Encoding.UTF8,
            StandardErrorEncoding = System.Text.Encoding.UTF8,
        };
        change(start);
        return Process.Start(start)!;
    }

    private static async Task<(string Output, string Error)> Streams(Process process)
    {
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (output, await error);
    }
}
