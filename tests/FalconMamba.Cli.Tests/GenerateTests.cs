using System.Text.Json;

namespace FalconMamba.Cli.Tests;

public class GenerateTests
{
    [Fact]
    public void Without_arguments_it_prints_a_story_that_is_the_same_every_time()
    {
        var outcome = Falcon.Run("generate");
        Assert.Equal(0, outcome.Code);
        Assert.True(outcome.Output.Length > 300);
        Assert.Contains("ROMEO:", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("tokens/s", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(outcome.Output, Falcon.Output("generate"));
    }

    [Fact]
    public void Prompts_come_from_the_line_a_file_or_the_standard_input()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["prompt"], "KING HENRY:\n");
        var text = Falcon.Output("generate", "-p", "KING HENRY:\n", "-n", "20");
        Assert.Equal(text, Falcon.Output("generate", Falcon.Model, "-f", folder["prompt"], "-n", "20"));
        Assert.Equal(text, Falcon.OutputFor("KING HENRY:\n", ["generate", "-p", "-", "-n", "20"]));
        Assert.Equal("KING HENRY:\n" + text, Falcon.Output("generate", "-p", "KING HENRY:\n", "-n", "20", "--echo"));
    }

    [Fact]
    public void Json_is_one_object_with_the_same_text()
    {
        string[] args = ["generate", "-p", "JULIET:", "-n", "30", "--temperature", "0.9", "--top-k", "50", "--top-p", "0.95", "--min-p", "0.01", "--seed", "5"];
        using var json = JsonDocument.Parse(Falcon.Output([.. args, "--json"]));
        var root = json.RootElement;
        Assert.Equal(Falcon.Output(args), root.GetProperty("text").GetString());
        Assert.Equal((Falcon.Model, "length", 5), (root.GetProperty("model").GetString(), root.GetProperty("finish_reason").GetString(), root.GetProperty("seed").GetInt32()));
        Assert.Equal(30, root.GetProperty("ids").GetArrayLength());
        Assert.Equal(Falcon.Output("tokenize", Falcon.Model, "JULIET:"), string.Join(' ', root.GetProperty("prompt_ids").EnumerateArray()) + "\n");
        Assert.Equal(30, root.GetProperty("timings").GetProperty("generated_tokens").GetInt32());
    }

    [Fact]
    public void Draws_follow_the_seed_and_neither_threads_nor_chunks()
    {
        string[] greedy = ["generate", "-p", "The king is dead, and all the", "-n", "40", "--deterministic"];
        string[] args = [.. greedy, "--temperature", "1"];
        var text = Falcon.Output(args);
        Assert.NotEqual(text, Falcon.Output([.. args, "--seed", "1"]));
        foreach (var threads in (string[])["1", "2", "3", "7"]) Assert.Equal(text, Falcon.Output([.. args, "-t", threads, "--prefill", threads]));
        Assert.Equal(Falcon.Output([.. greedy, "--temperature", "0"]), Falcon.Output(greedy));
    }

    [Theory]
    [InlineData("sequential", 1)]
    [InlineData("7", 7)]
    [InlineData("parallel", 0)]
    public void A_prompt_goes_through_the_layers_as_asked_and_the_text_stays(string prefill, int tokens)
    {
        string[] args = ["generate", "-p", "The king is dead, and all the", "-n", "10", "--json"];
        using var chosen = JsonDocument.Parse(Falcon.Output(args));
        using var json = JsonDocument.Parse(Falcon.Output([.. args, "--prefill", prefill]));
        int Chunk(JsonDocument document) => document.RootElement.GetProperty("timings").GetProperty("prefill_chunk_size").GetInt32();
        Assert.Equal(tokens > 0 ? tokens : Chunk(chosen), Chunk(json));
        Assert.Equal(chosen.RootElement.GetProperty("text").GetString(), json.RootElement.GetProperty("text").GetString());
        Assert.True(json.RootElement.GetProperty("timings").GetProperty("resident_peak_bytes").GetInt64() > 1_000_000);
    }

    [Fact]
    public void Stops_end_the_text()
    {
        string[] args = ["generate", "-p", "ROMEO:", "-n", "60"];
        var text = Falcon.Output(args);
        var stop = text[20..24];
        Assert.Equal(text[..text.IndexOf(stop, StringComparison.Ordinal)], Falcon.Output([.. args, "--stop", "@@", "--stop", stop]));

        using var json = JsonDocument.Parse(Falcon.Output([.. args, "--json"]));
        var ids = json.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray();
        using var stopped = JsonDocument.Parse(Falcon.Output([.. args, "--stop-id", $"{ids[9]}", "--json"]));
        Assert.Equal("stop_id", stopped.RootElement.GetProperty("finish_reason").GetString());
        Assert.Equal(ids[..(Array.IndexOf(ids, ids[9]) + 1)], stopped.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()));
    }

    [Fact]
    public void End_tokens_of_the_generation_config_count_unless_they_are_ignored()
    {
        using var folder = new TemporaryFolder();
        Falcon.Output("convert", Falcon.Model, folder["model"], "--type", "F32");
        string[] args = ["generate", folder["model"], "-p", "ROMEO:", "-n", "30", "--json"];
        using var whole = JsonDocument.Parse(Falcon.Output(args));
        var end = whole.RootElement.GetProperty("ids")[12].GetInt32();
        File.WriteAllText(folder["model/generation_config.json"], $$"""{"eos_token_id": [11, {{end}}]}""");
        using var ended = JsonDocument.Parse(Falcon.Output(args));
        Assert.Equal("stop_id", ended.RootElement.GetProperty("finish_reason").GetString());
        using var ignored = JsonDocument.Parse(Falcon.Output([.. args, "--ignore-eos"]));
        Assert.Equal(30, ignored.RootElement.GetProperty("ids").GetArrayLength());
    }

    // High temperatures draw bytes that are parts of characters, and of none.
    [Theory]
    [InlineData("0", "4")]
    [InlineData("0.8", "4")]
    [InlineData("20", "4")]
    [InlineData("20", "5", "e", "zz")]
    [InlineData("0.8", "6", "the lord", "\n\nKING")]
    public void A_saved_session_goes_on_as_if_it_had_never_stopped(string temperature, string seed, params string[] stops)
    {
        using var folder = new TemporaryFolder();
        string[] how = ["-t", "1", "--temperature", temperature, "--seed", seed, "--ignore-eos", .. stops.SelectMany(stop => (string[])["--stop", stop])];
        var whole = Falcon.Output(["generate", "-p", "ROMEO: hé", "-n", "24", .. how]);
        for (var n = 1; n < 24; n++)
        {
            var first = Falcon.Output(["generate", "-p", "ROMEO: hé", "-n", $"{n}", "--save-state", folder["state"], .. how]);
            if (first == whole) continue;
            Assert.Equal(whole, first + Falcon.Output(["generate", "-n", $"{24 - n}", "--load-state", folder["state"], .. how]));
        }

        Assert.Equal(["state"], Directory.EnumerateFileSystemEntries(folder.Root).Select(Path.GetFileName));
    }

    [Fact]
    public void A_session_can_be_saved_many_times_over()
    {
        using var folder = new TemporaryFolder();
        var whole = Falcon.Output("generate", "-p", "ROMEO:", "-n", "12", "--temperature", "20", "--ignore-eos");
        string[] how = ["-n", "1", "--temperature", "20", "--ignore-eos", "--save-state", folder["state"]];
        var text = Falcon.Output(["generate", "-p", "ROMEO:", .. how]);
        for (var i = 1; i < 11; i++) text += Falcon.Output(["generate", "--load-state", folder["state"], .. how]);
        text += Falcon.Output(["generate", "--load-state", folder["state"], .. how[..^2]]);
        Assert.Equal(whole, text);
    }

    [Fact]
    public void A_prompt_is_added_to_a_saved_session()
    {
        using var folder = new TemporaryFolder();
        Falcon.Output("generate", "-p", "ROMEO:", "-n", "1", "--save-state", folder["state"]);
        Assert.NotEqual(
            Falcon.Output("generate", "--load-state", folder["state"], "-n", "20"),
            Falcon.Output("generate", "--load-state", folder["state"], "-n", "20", "-p", "\n\nJULIET:\n"));
    }

    [Fact]
    public void Sessions_of_other_models_and_other_files_are_refused()
    {
        using var folder = new TemporaryFolder();
        Falcon.Output("convert", Falcon.Model, folder["other"], "--type", "F16");
        Falcon.Output("generate", "-p", "ROMEO:", "-n", "4", "--save-state", folder["state"]);
        Falcon.Fails(1, "use the state with the model that made it", "generate", folder["other"], "--load-state", folder["state"]);
        File.WriteAllBytes(folder["cut"], File.ReadAllBytes(folder["state"])[..1000]);
        Falcon.Fails(1, "cut", "generate", "--load-state", folder["cut"]);
        Falcon.Fails(1, "was not found", "generate", "--load-state", folder["absent"]);
        Falcon.Fails(1, "no saved state", "generate", "--load-state", Path.Combine(folder["other"], "model.safetensors"));
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["empty"]);
        Falcon.Fails(2, "no tokens", "generate", "-p", "");
        Falcon.Fails(2, "There is no prompt", "generate", folder["empty"]);
        Falcon.Fails(2, "give one of them", "generate", "-p", "a", "-f", "b");
        Falcon.Fails(2, "-n takes a whole number from 1", "generate", "-n", "0");
        Falcon.Fails(2, "--temperature takes a number from 0", "generate", "--temperature", "-1");
        Falcon.Fails(2, "--temperature takes a number from 0", "generate", "--temperature", "NaN");
        Falcon.Fails(2, "--top-p takes a number from 0 to 1", "generate", "--top-p", "1.5");
        foreach (var wrong in (string[])["0", "-1", "16385", "whole", "1.5", ""])
            Falcon.Fails(2, "--prefill takes parallel, sequential or a whole number from 1 to 16384", "generate", "--prefill", wrong);
        Falcon.Fails(2, "--stop-id takes a token id", "generate", "--stop-id", "x");
        Falcon.Fails(1, "tokenizer.json", "generate", folder["empty"], "-p", "a");
        Falcon.Fails(1, "there is no folder", "generate", "-p", "a", "--save-state", folder["absent/state"]);
        Falcon.Fails(1, "was not found", "generate", "-f", folder["absent"]);
    }
}
