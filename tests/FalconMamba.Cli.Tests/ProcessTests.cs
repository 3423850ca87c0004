namespace FalconMamba.Cli.Tests;

/// <summary>What only a process of its own shows: exit codes, streams, signals, places of models.</summary>
public class ProcessTests
{
    // Minutes: longer than any test, and short where a test's own process is killed and cannot end what it started.
    private const string Endless = "200000";

    [Theory]
    [InlineData(0, "tokenize", "shakespeare-4m", "Hello")]
    [InlineData(1, "tokenize", "absent", "Hello")]
    [InlineData(2, "tokenize")]
    public async Task Data_and_errors_keep_to_their_streams(int code, params string[] args)
    {
        using var process = TestProcess.Run(args);
        var (output, error) = await process.ReadToEndAsync();
        Assert.Equal(code, process.ExitCode);
        Assert.Equal(code == 0, output.Length > 0);
        Assert.Equal(code == 0, error.Length == 0);
    }

    [Fact]
    public async Task Text_is_utf8_both_ways()
    {
        using var tokens = TestProcess.Run("tokenize", "shakespeare-4m");
        await tokens.StandardInput.BaseStream.WriteAsync("é你🙂\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        tokens.StandardInput.Close();
        var (ids, _) = await tokens.ReadToEndAsync();
        using var text = TestProcess.Run(["detokenize", "shakespeare-4m", .. ids.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)]);
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
            using var process = TestProcess.Run(
                start =>
                {
                    start.WorkingDirectory = folder["near/a/b"];
                    start.Environment["FALCON_MAMBA_MODELS"] = folder["far"];
                },
                "tokenize", model, "Hello");
            var (_, error) = await process.ReadToEndAsync();
            Assert.Equal(code, process.ExitCode);
            if (code != 0) Assert.Contains("here, shakespeare-4m, there", error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("128", 0, "FALCON_MAMBA_KERNELS=128")]
    [InlineData("25", 1, "error: FALCON_MAMBA_KERNELS is \"25\": use amx (where AMX is), emitted (where AVX-512 and VNNI are), 512, 256, 128 or generic.")]
    public async Task A_variable_names_the_kernels(string path, int code, string expected)
    {
        using var process = TestProcess.Run(start => start.Environment["FALCON_MAMBA_KERNELS"] = path, "inspect", "shakespeare-4m", "--kernels");
        var (output, error) = await process.ReadToEndAsync();
        Assert.Equal(code, process.ExitCode);
        if (code == 0) Assert.Contains(expected, output, StringComparison.Ordinal);
        else Assert.Equal((expected, ""), (error.Trim(), output));
    }

    [Fact]
    public async Task An_interrupt_keeps_what_was_printed_and_saves_nothing()
    {
        TestProcess.SkipWithoutInterrupts();
        using var folder = new TemporaryFolder();
        using var process = TestProcess.Run("generate", "-p", "ROMEO:", "-n", Endless, "--ignore-eos", "--save-state", folder["state"]);
        var first = new char[20];
        Assert.Equal(20, await process.StandardOutput.ReadBlockAsync(first, TestContext.Current.CancellationToken));
        process.Interrupt();
        var (_, error) = await process.ReadToEndAsync();
        Assert.Equal((130, "cancelled"), (process.ExitCode, error.Trim()));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Root));
    }

    [Fact]
    public async Task Nothing_more_is_done_when_nobody_reads_on()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not tell that a pipe was closed.");
        using var process = TestProcess.Run("generate", "-p", "ROMEO:", "-n", Endless, "--ignore-eos");
        Assert.Equal(20, await process.StandardOutput.ReadBlockAsync(new char[20], TestContext.Current.CancellationToken));
        process.StandardOutput.Close();
        Assert.Equal("", await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task An_interrupt_stops_an_answer_and_the_next_one_the_chat()
    {
        TestProcess.SkipWithoutInterrupts();
        using var process = TestProcess.Run("chat", "-n", Endless, "--ignore-eos");
        await Say(process, "ROMEO:");
        var first = new char[20];
        Assert.Equal(20, await process.StandardOutput.ReadBlockAsync(first, TestContext.Current.CancellationToken));
        // A full pipe would hold up the answer, and the interrupt with it.
        var answer = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        process.Interrupt();
        Assert.Contains("stopped; ", await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await Say(process, "/info");
        Assert.StartsWith("conversation: 2 messages", await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        process.Interrupt();
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await answer;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(130, process.ExitCode);
        Assert.EndsWith("cancelled", error.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_chat_goes_on_after_an_interrupt_and_ends_well()
    {
        TestProcess.SkipWithoutInterrupts();
        using var process = TestProcess.Run("chat", "-n", Endless, "--ignore-eos");
        await Say(process, "ROMEO:");
        Assert.NotEqual(-1, process.StandardOutput.Read());
        process.Interrupt();
        await Say(process, "/sampling -n 5");
        await Say(process, "JULIET:");
        process.StandardInput.Close();
        var (output, error) = await process.ReadToEndAsync();
        Assert.Equal((0, '\n'), (process.ExitCode, output[^1]));
        Assert.Contains("stopped; ", error, StringComparison.Ordinal);
        Assert.Contains("-n N allows more", error, StringComparison.Ordinal);
    }

    private static async Task Say(TestProcess process, string line)
    {
        await process.StandardInput.WriteAsync($"{line}\n");
        await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
    }
}
