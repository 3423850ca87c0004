using System.Text.Json;
using FalconMamba.Cli.Sessions;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Sessions;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli.Tests;

/// <summary>The verbs <c>read</c>, <c>ask</c> and <c>sessions</c>.</summary>
public sealed class ReadTests : SessionsFolderTests
{
    [Fact]
    public void A_question_is_answered_bit_for_bit_as_if_all_had_been_read_for_it_and_leaves_the_session()
    {
        var text = Words(1500, 1);
        Write("a.txt", text);
        var read = Json("read", Folder["a.txt"], "--session", "a", "--json", "--deterministic");
        Assert.Equal(0, read.GetProperty("hit_tokens").GetInt32());
        var head = File.ReadAllBytes(Store.PathOf(new StateKey("a")));
        var first = Json("ask", "a", "Who art thou?", "-n", "12", "--json", "--deterministic");
        _ = Falcon.Output("ask", "a", "And why?", "-n", "5");
        var second = Json("ask", "a", "Who art thou?", "-n", "12", "--json", "--deterministic");
        Assert.Equal(head, File.ReadAllBytes(Store.PathOf(new StateKey("a"))));

        var timings = first.GetProperty("timings");
        Assert.Equal(read.GetProperty("tokens").GetInt32(), timings.GetProperty("hit_tokens").GetInt32());
        Assert.InRange(timings.GetProperty("prompt_tokens").GetInt32() - timings.GetProperty("hit_tokens").GetInt32(), 1, 30);
        var folder = Path.Combine(FixtureFolder.Repository, "models", Falcon.Model);
        using var model = FalconMambaModel.Load(folder, new ModelOptions { Deterministic = true });
        var tokenizer = Tokenizer.FromFolder(folder);
        using var state = model.CreateState();
        var prompt = new DocumentPrompt(tokenizer);
        var options = new GenerationOptions { MaxNewTokens = 12, StopIds = [prompt.EndOfAnswer!.Value] };
        var expected = string.Concat(new TextGenerator(model, tokenizer, options).Generate(state, prompt.Encode(text, "Who art thou?")));
        Assert.Equal(expected, first.GetProperty("text").GetString());
        Assert.Equal(expected, second.GetProperty("text").GetString());
    }

    [Fact]
    public void What_was_read_before_is_not_read_again()
    {
        var text = Words(4000, 2);
        Write("a.md", text);
        var tokens = Json("read", Folder["a.md"], "--session", "a", "--json").GetProperty("tokens").GetInt32();
        Assert.Equal(tokens, Json("read", Folder["a.md"], "--session", "a", "--json").GetProperty("hit_tokens").GetInt32());

        // An edit near the end reads on from the nearest place.
        Write("a.md", $"{text[..(text.Length * 9 / 10)]} changed {text[(text.Length * 9 / 10)..]}");
        var again = Json("read", Folder["a.md"], "--session", "a", "--json");
        Assert.InRange(again.GetProperty("hit_tokens").GetInt32(), 0.88 * again.GetProperty("tokens").GetInt32(), again.GetProperty("tokens").GetInt32());

        // So does a second document behind it.
        Write("b.txt", "And more.");
        var both = Json("read", Folder["a.md"], Folder["b.txt"], "--session", "a", "--json");
        Assert.InRange(both.GetProperty("hit_tokens").GetInt32(), again.GetProperty("tokens").GetInt32() * 0.95, both.GetProperty("tokens").GetInt32() - 1);
        Assert.Equal(2, both.GetProperty("files").GetArrayLength());
    }

    [Fact]
    public void Names_are_shown_without_control_characters()
    {
        Write("a.txt", "ROMEO:");
        Falcon.Output("read", Folder["a.txt"], "--session", "a\u001b[2J\nb");
        Assert.Contains("a\uFFFD[2J\uFFFDb  shakespeare-4m", Falcon.Output("sessions", "list"), StringComparison.Ordinal);
        Assert.Contains("a\uFFFD[2J\uFFFDb\n", Falcon.Output("sessions", "info", "a\u001b[2J\nb"), StringComparison.Ordinal);
        Falcon.Fails(1, "no session b\uFFFD[2J in", "sessions", "info", "b\u001b[2J");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reading_that_is_killed_or_interrupted_goes_on_to_the_same_bits(bool isKilled)
    {
        if (!isKilled) TestProcess.SkipWithoutInterrupts();
        Write("a.txt", Words(12_000, 3));
        using (var process = TestProcess.Run("read", Folder["a.txt"], "--session", "a", "--checkpoint", "0.3", "--prefill", "sequential", "-t", "1", "--deterministic"))
        {
            while (await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
                if (line.StartsWith("stored: ", StringComparison.Ordinal)) break;
            if (isKilled) process.Kill();
            else process.Interrupt();
            await process.ReadToEndAsync();
            Assert.Equal(isKilled ? OperatingSystem.IsWindows() ? -1 : 137 : 130, process.ExitCode);
        }

        var resumed = Json("read", Folder["a.txt"], "--session", "a", "--json", "--deterministic");
        Assert.InRange(resumed.GetProperty("hit_tokens").GetInt32(), 1, resumed.GetProperty("tokens").GetInt32() - 1);
        Falcon.Output("read", Folder["a.txt"], "--session", "b", "--deterministic");
        using var model = FalconMambaModel.Load(Path.Combine(FixtureFolder.Repository, "models", Falcon.Model));
        using var a = Store.Read(new StateKey("a"), model);
        using var b = Store.Read(new StateKey("b"), model);
        Assert.Equal(b!.Ids.ToArray(), a!.Ids.ToArray());
        Assert.Equal(b.State.LastHidden, a.State.LastHidden);
        Assert.Equal(b.State.TokenCount, a.State.TokenCount);
        Assert.DoesNotContain(Directory.EnumerateFiles(Store.Folder, "*.tmp", SearchOption.AllDirectories), file => !isKilled && file.Length > 0);
    }

    [Fact]
    public void Sessions_are_listed_described_exported_and_deleted()
    {
        Assert.Contains("no session", Falcon.Run("sessions", "list").Error, StringComparison.Ordinal);
        Write("a.txt", Words(300, 4));
        Falcon.Output("read", Folder["a.txt"], "--session", "../é");
        Assert.Matches("../é +shakespeare-4m", Falcon.Output("sessions", "list"));
        var info = Falcon.Output("sessions", "info", "../é");
        Assert.Contains($"file:     {Folder["a.txt"]}\n", info, StringComparison.Ordinal);
        var tokens = Json("sessions", "info", "../é", "--json").GetProperty("tokens").GetInt32();
        Assert.Equal(tokens, Json("sessions", "list", "--json").GetProperty("sessions")[0].GetProperty("read_tokens").GetInt32());

        var exported = Folder["out.safetensors"];
        Falcon.Output("sessions", "export", "../é", exported);
        Falcon.Fails(1, "there already", "sessions", "export", "../é", exported);
        Assert.NotEqual("", Falcon.Output("generate", "--load-state", exported, "-p", "What?", "-n", "5", "--repetition-penalty", "1.1"));

        Falcon.Output("sessions", "delete", "../é");
        Falcon.Fails(1, "no session", "sessions", "info", "../é");
        Falcon.Fails(1, "no session", "sessions", "delete", "../é");
        Assert.Equal([".locks"], Directory.EnumerateFileSystemEntries(Store.Folder).Select(Path.GetFileName));
    }

    [Fact]
    public void Wrapped_documents_are_read_for_their_text()
    {
        TestDocuments.Pdf(Folder["a.pdf"], "First page");
        TestDocuments.Book(Folder["b.epub"]);
        Falcon.Output("read", Folder["a.pdf"], Folder["b.epub"], "--session", "a");
        Assert.Equal("First page\n\nOne\n\nIt was a dark night.\n\nIt was over.", Store.ReadNotes(new StateKey("a"))!["document.text"]);
        File.WriteAllText(Folder["c.pdf"], "no");
        Falcon.Fails(1, "c.pdf is no whole PDF file", "read", Folder["c.pdf"], "--session", "a");
    }

    [Fact]
    public void What_cannot_be_done_is_told_in_one_sentence()
    {
        Write("a.txt", "Some text.");
        Write("empty.txt", " \n");
        Falcon.Fails(2, "--session", "read", Folder["a.txt"]);
        Falcon.Fails(1, "no text to read", "read", Folder["empty.txt"], "--session", "a");
        Falcon.Fails(1, "absent.pdf was not found: check the name.", "read", Folder["absent.pdf"], "--session", "a");
        Falcon.Fails(1, "absent.txt was not found: check the name.", "read", Folder["absent.txt"], "--session", "a");
        Falcon.Fails(1, "is a folder", "read", Folder.Root, "--session", "a");
        Falcon.Fails(1, "empty", "read", Folder["a.txt"], "--session", "");
        Falcon.Fails(1, "no session nobody", "ask", "nobody", "What?");
        using (Store.TryLock("a")) Falcon.Fails(1, "Another process is at the session a", "read", Folder["a.txt"], "--session", "a");
        Falcon.Output("read", Folder["a.txt"], "--session", "a");
        Falcon.Fails(2, "QUESTION is empty", "ask", "a", " ");

        // Another model, then a damaged file, which hides no other session.
        Falcon.Output("convert", Falcon.Model, Folder["other"], "--type", "F32");
        Falcon.Fails(1, "belongs to a model", "ask", "a", "What?", "--model", Folder["other"]);
        Falcon.Output("read", Folder["a.txt"], "--session", "b");
        File.WriteAllText(Store.PathOf(new StateKey("a")), "damaged");
        Falcon.Fails(1, "head.safetensors", "ask", "a", "What?");
        var list = Falcon.Run("sessions", "list");
        Assert.StartsWith("session", list.Output, StringComparison.Ordinal);
        Assert.Contains("\nb ", list.Output, StringComparison.Ordinal);
        Assert.Contains("warning: ", list.Error, StringComparison.Ordinal);
        Falcon.Output("sessions", "delete", "a");
    }

    private static JsonElement Json(params string[] args) => JsonDocument.Parse(Falcon.Output(args)).RootElement;

    private static string Words(int count, int seed)
    {
        string[] words = ["thou", "king", "night", "speak", "my", "lord", "the", "and", "sword", "O", "gentle", "love"];
        var random = new Random(seed);
        return string.Join(' ', Enumerable.Range(0, count).Select(i => words[random.Next(words.Length)] + (i % 11 == 10 ? "." : "")));
    }

    private void Write(string name, string text) => File.WriteAllText(Folder[name], text);
}
