using System.Net.ServerSentEvents;
using FalconMamba.Samples.Agent;
using Microsoft.Extensions.AI;

namespace FalconMamba.Extensions.AI.Tests;

/// <summary>What is in samples/ runs as its README says, offline, with the model that ships.</summary>
public class SampleTests
{
    // Minutes: longer than any test, and short where a test's own process is killed and cannot end what it started.
    private const string Endless = "1000000";

    [Fact]
    public async Task Hello_needs_a_file_and_nothing_else()
    {
        // In a folder of its own, because others may build the library at the same time.
        string[] options = ["--property:ArtifactsPath=" + InFolder("artifacts", "hello"), "--property:RunAnalyzers=false"];
        using var process = TestProcess.Start(InRepository, ["run", .. options, "samples/hello.cs"]);
        var (output, error) = await process.ReadToEndAsync();
        Assert.True(process.ExitCode == 0, output + error);
        Assert.True(output.Trim().Length > 0, error);
    }

    [Theory]
    [InlineData("20", "a.answer,a.txt,b.answer,b.txt")]
    [InlineData("0", "a.failed,b.failed")]
    public async Task Worker_goes_through_a_folder(string tokens, string files)
    {
        using var folder = Prompts();
        using var process = Start("worker", "--folder", folder.Root, "--once", "true", "--tokens", tokens);
        var (output, error) = await process.ReadToEndAsync();
        Assert.True(process.ExitCode == 0, output + error);
        Assert.Equal(files, Files(folder));
    }

    [Fact]
    public async Task Worker_stops_in_the_middle_and_leaves_no_half_answer()
    {
        TestProcess.SkipWithoutInterrupts();
        using var folder = Prompts();
        using var process = Start("worker", "--folder", folder.Root, "--tokens", Endless);
        await Line(process.StandardOutput, "Answering ");
        process.Interrupt();
        var (output, error) = await process.ReadToEndAsync();
        Assert.True(process.ExitCode == 0, output + error);
        Assert.Equal("a.txt,b.txt", Files(folder));
    }

    [Theory]
    [InlineData("20", "done")]
    [InlineData("0", "error")]
    public async Task Web_tells_how_an_answer_ended(string tokens, string ending)
    {
        using var process = Start("web", "--urls", "http://127.0.0.1:0", "--tokens", tokens);
        using var http = new HttpClient { BaseAddress = await Address(process) };
        Assert.Contains("new EventSource('/chat?", await http.GetStringAsync("/", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        var types = (await Events(http).ToListAsync(TestContext.Current.CancellationToken)).ConvertAll(item => item.EventType);
        Assert.Equal(ending, types[^1]);
        Assert.All(types.SkipLast(1), type => Assert.Equal("piece", type));
        Assert.Equal(ending == "done", types.Count > 1);
    }

    [Fact]
    public async Task Web_stops_when_the_browser_leaves_and_says_so_when_it_closes_itself()
    {
        TestProcess.SkipWithoutInterrupts();
        using var process = Start("web", "--urls", "http://127.0.0.1:0", "--tokens", Endless);
        using var http = new HttpClient { BaseAddress = await Address(process) };
        Assert.Equal("piece", (await Events(http).FirstAsync(TestContext.Current.CancellationToken)).EventType);
        await Line(process.StandardOutput, "was cancelled: ");

        SseItem<string>? last = null;
        await foreach (var item in Events(http))
        {
            if (last is null) process.Interrupt();
            last = item;
        }

        Assert.Equal(("error", "The server is closing."), (last?.EventType, last?.Data));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task Agent_refuses_a_model_without_tools_in_a_sentence()
    {
        using var process = Start("agent");
        var (output, error) = await process.ReadToEndAsync();
        Assert.Equal((1, ""), (process.ExitCode, output));
        Assert.Equal("The chat template of shakespeare-4m has no place for tools: leave them out, or use a model that was trained to call functions.", error.Trim());
    }

    [Fact]
    public async Task Agent_calls_its_functions_for_a_model_that_asks_for_them()
    {
        using var engine = new TestEngine(withTools: true);
        using var agent = engine.Client.AsBuilder().UseFunctionInvocation().Build();
        engine.WillSay("""
            <tool_call>{"name": "copies_of", "arguments": {"title": "Hamlet"}}</tool_call><tool_call>{"name": "price_of", "arguments": {"title": "Hamlet", "copies": 3}}</tool_call>
            """);
        engine.ThenSay("Three, for 28.50.");
        var response = await agent.GetResponseAsync(TestEngine.Say("How many, and how much?"), new ChatOptions { Tools = [.. Bookshop.Tools] });
        Assert.Equal(["3", "28.50"], response.Messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Select(result => result.Result!.ToString()));
        Assert.Equal("Three, for 28.50.", response.Messages[^1].Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Desktop_stops_an_answer_and_lives_on(bool byInterrupt)
    {
        if (byInterrupt) TestProcess.SkipWithoutInterrupts();
        using var process = Start("desktop", "shakespeare-4m", Endless);
        await Press(process, "Who goes there?\n");
        Assert.Equal(20, await process.StandardOutput.ReadBlockAsync(new char[20], TestContext.Current.CancellationToken));
        var answers = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);

        // While it answers, keys are taken as ever; what they wrote is still there afterwards.
        await Press(process, "What news?\n");
        await Line(process.StandardError, "[one answer at a time: Escape stops it]");
        if (byInterrupt) process.Interrupt();
        else await Press(process, "\e");
        await Line(process.StandardError, "[stopped]");

        await Press(process, "\n");
        process.StandardInput.Close();
        await Line(process.StandardError, "[stopped]");
        Assert.True((await answers).Trim().Length > 0);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
    }

    private static TestProcess Start(string sample, params string[] args)
    {
        // Built as these tests were: bin/Release/net10.0, say.
        var output = Path.GetRelativePath(InFolder("tests", "FalconMamba.Extensions.AI.Tests"), AppContext.BaseDirectory);
        return TestProcess.Start(InRepository, [Path.Combine(InFolder("samples", sample), output, $"{char.ToUpperInvariant(sample[0])}{sample[1..]}.dll"), .. args]);
    }

    private static void InRepository(System.Diagnostics.ProcessStartInfo start) => start.WorkingDirectory = FixtureFolder.Repository;

    private static string InFolder(params string[] path) => Path.Combine([FixtureFolder.Repository, .. path]);

    private static TemporaryFolder Prompts()
    {
        var folder = new TemporaryFolder();
        File.WriteAllText(folder["a.txt"], "Who goes there?");
        File.WriteAllText(folder["b.txt"], "What news?");
        return folder;
    }

    private static string Files(TemporaryFolder folder) => string.Join(',', Directory.EnumerateFiles(folder.Root).Select(Path.GetFileName).Order(StringComparer.Ordinal));

    private static async Task<Uri> Address(TestProcess process)
    {
        const string Listening = "Now listening on: ";
        var line = await Line(process.StandardOutput, Listening);
        return new Uri(line[(line.IndexOf(Listening, StringComparison.Ordinal) + Listening.Length)..].Trim());
    }

    private static async IAsyncEnumerable<SseItem<string>> Events(HttpClient http)
    {
        await using var stream = await http.GetStreamAsync("/chat?message=Who%20goes%20there%3F", TestContext.Current.CancellationToken);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(TestContext.Current.CancellationToken)) yield return item;
    }

    private static async Task<string> Line(StreamReader reader, string part)
    {
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            if (line.Contains(part, StringComparison.Ordinal)) return line;
        throw new Xunit.Sdk.XunitException($"The program ended and never said \"{part}\".");
    }

    private static async Task Press(TestProcess process, string keys)
    {
        await process.StandardInput.WriteAsync(keys);
        await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
    }
}
