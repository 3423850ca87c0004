using System.Text.Json;
using System.Text.Json.Nodes;

namespace FalconMamba.Cli.Tests;

public class GenerateOptionsTests
{
    private static readonly string[] Romeo = ["generate", "-p", "ROMEO:", "-n", "30"];

    [Fact]
    public void Every_option_is_taken_and_changes_the_text()
    {
        string[][] greedy =
        [
            ["--repetition-penalty", "1.5"], ["--frequency-penalty", "2"], ["--presence-penalty", "2"], ["--no-repeat-ngram-size", "1"],
            ["--num-beams", "4"], ["--num-beams", "4", "--length-penalty", "-3", "--early-stopping", "never", "--renormalize-logits"],
            ["--sequence-bias", "300=30"], ["--do-sample"], ["--temperature", "1"],
        ];
        string[][] drawn =
        [
            ["--top-k", "2"], ["--top-p", "0.2"], ["--min-p", "0.5"], ["--typical-p", "0.2"], ["--epsilon-cutoff", "0.2"], ["--eta-cutoff", "0.5"], ["--top-h", "0.1"],
            ["--top-n-sigma", "0.3"], ["--xtc-probability", "1", "--xtc-threshold", "0.05"], ["--dynatemp-range", "0.9", "--dynatemp-exponent", "0.5"],
            ["--mirostat", "1", "--mirostat-tau", "2"], ["--mirostat", "2", "--mirostat-eta", "0.5", "--mirostat-tau", "1"], ["--seed", "9"],
        ];
        var plain = Falcon.Output(Romeo);
        foreach (var options in greedy) Assert.NotEqual(plain, Falcon.Output([.. Romeo, .. options]));
        using var json = JsonDocument.Parse(Falcon.Output([.. Romeo, "--json"]));
        Assert.NotEqual(plain, Falcon.Output([.. Romeo, "--suppress-tokens", $"{json.RootElement.GetProperty("ids")[3]}"]));
        string[] longer = ["generate", "-p", "ROMEO:", "-n", "200"];
        Assert.NotEqual(Falcon.Output(longer), Falcon.Output([.. longer, "--dry-multiplier", "5"]));
        string[] draws = [.. Romeo, "--do-sample"];
        var drawnText = Falcon.Output(draws);
        foreach (var options in drawn) Assert.NotEqual(drawnText, Falcon.Output([.. draws, .. options]));
    }

    [Fact]
    public void Guessing_ahead_leaves_the_text_as_it_is()
    {
        string[] longer = ["generate", "-p", "ROMEO:", "-n", "120"];
        var plain = Falcon.Output(longer);
        string[] guessing = [.. longer, "--draft", Falcon.Model, "--num-assistant-tokens", "3", "--assistant-confidence-threshold", "0.1"];
        Assert.Equal(plain, Falcon.Output(guessing));
        Assert.Equal(plain, Falcon.Output([.. longer, "--prompt-lookup", "4", "--max-matching-ngram-size", "3"]));
        using var json = JsonDocument.Parse(Falcon.Output([.. guessing, "--json"]));
        var timings = json.RootElement.GetProperty("timings");
        Assert.Equal(timings.GetProperty("drafted_tokens").GetInt32(), timings.GetProperty("accepted_tokens").GetInt32(), 3.0);
        Falcon.Fails(2, "max_matching_ngram_size", [.. longer, "--max-matching-ngram-size", "3"]);
        Falcon.Fails(2, "num_assistant_tokens", [.. longer, "--num-assistant-tokens", "3"]);
        Falcon.Fails(2, "num_beams", [.. longer, "--prompt-lookup", "4", "--num-beams", "2"]);
        var tiny = Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models", "tiny-f32");
        Falcon.Fails(1, "assistant_model has a vocabulary of 1000 tokens", [.. longer, "--draft", tiny]);
    }

    [Fact]
    public void A_draft_model_with_another_tokenizer_is_refused()
    {
        using var folder = new TemporaryFolder();
        var shipped = Path.Combine(FixtureFolder.Repository, "models", Falcon.Model);
        Directory.CreateDirectory(folder["draft"]);
        foreach (var file in Directory.EnumerateFiles(shipped)) File.Copy(file, folder[$"draft/{Path.GetFileName(file)}"]);
        var json = JsonNode.Parse(File.ReadAllText(folder["draft/tokenizer.json"]))!;
        var vocabulary = json["model"]!["vocab"]!.AsObject();
        var (a, b) = (vocabulary.First(token => token.Value!.GetValue<int>() == 500).Key, vocabulary.First(token => token.Value!.GetValue<int>() == 501).Key);
        (vocabulary[a], vocabulary[b]) = (501, 500);
        File.WriteAllText(folder["draft/tokenizer.json"], json.ToJsonString());
        const string refusal = "another tokenizer, token 500 is";
        Falcon.Fails(1, refusal, "generate", "-p", "ROMEO:", "--draft", folder["draft"]);
        var chat = Falcon.Run("Hello\n", ["chat", "--draft", folder["draft"]]);
        Assert.Equal(1, chat.Code);
        Assert.Contains(refusal, chat.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_texts_come_one_behind_the_other()
    {
        string[] args = [.. Romeo, "--do-sample", "--num-return-sequences", "3"];
        var text = Falcon.Output(args);
        Assert.StartsWith("--- 1\n" + Falcon.Output([.. Romeo, "--do-sample"]), text, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(Falcon.Output([.. args, "--json", "--logprobs", "2"]));
        var sequences = json.RootElement.GetProperty("sequences").EnumerateArray().ToArray();
        Assert.Equal(text, string.Concat(sequences.Select((sequence, i) => $"--- {i + 1}\n{sequence.GetProperty("text").GetString()}\n")));
        Assert.All(sequences, sequence => Assert.Equal(sequence.GetProperty("ids").GetArrayLength(), sequence.GetProperty("logprobs").GetArrayLength()));

        using var beams = JsonDocument.Parse(Falcon.Output([.. Romeo, "--num-beams", "3", "--num-return-sequences", "3", "--json"]));
        var scores = beams.RootElement.GetProperty("sequences").EnumerateArray().Select(sequence => sequence.GetProperty("score").GetDouble()).ToArray();
        Assert.Equal(scores.OrderDescending(), scores);
        Falcon.Fails(2, "--load-state", [.. args, "--save-state", Path.Combine(Path.GetTempPath(), "state")]);
    }

    [Fact]
    public void Log_probabilities_stand_beside_the_ids()
    {
        using var json = JsonDocument.Parse(Falcon.Output([.. Romeo, "--json", "--logprobs", "3"]));
        var ids = json.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray();
        var tokens = json.RootElement.GetProperty("logprobs").EnumerateArray().ToArray();
        Assert.Equal(ids, tokens.Select(token => token.GetProperty("id").GetInt32()));
        foreach (var token in tokens)
        {
            var top = token.GetProperty("top_logprobs").EnumerateArray().ToArray();
            Assert.Equal(3, top.Length);
            Assert.Equal(token.GetProperty("logprob").GetDouble(), top[0].GetProperty("logprob").GetDouble());
        }

        Falcon.Fails(2, "--json", [.. Romeo, "--logprobs", "3"]);
    }

    [Fact]
    public void A_session_with_penalties_goes_on_as_if_it_had_never_stopped()
    {
        using var folder = new TemporaryFolder();
        string[] how = ["-t", "1", "--do-sample", "--repetition-penalty", "1.3", "--frequency-penalty", "0.3", "--dry-multiplier", "1", "--mirostat", "2"];
        var whole = Falcon.Output(["generate", "-p", "ROMEO:", "-n", "24", .. how]);
        var first = Falcon.Output(["generate", "-p", "ROMEO:", "-n", "10", "--save-state", folder["state"], .. how]);
        Assert.Equal(whole, first + Falcon.Output(["generate", "-n", "14", "--load-state", folder["state"], .. how]));
    }

    [Fact]
    public void A_checkpoints_own_settings_count_where_none_are_given()
    {
        using var folder = new TemporaryFolder();
        Falcon.Output("convert", Falcon.Model, folder["model"], "--type", "F32");
        string[] args = ["generate", folder["model"], "-p", "ROMEO:"];
        File.WriteAllText(folder["model/generation_config.json"], """{"repetition_penalty": 1.5, "max_new_tokens": 12, "temperature": 0.7, "eos_token_id": 0}""");
        var outcome = Falcon.Run(args);
        Assert.Equal(Falcon.Output("generate", "-p", "ROMEO:", "-n", "12", "--repetition-penalty", "1.5", "--ignore-eos"), outcome.Output);
        Assert.Contains("warning: generation_config.json: temperature has no effect without do_sample and is left out.", outcome.Error, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(Falcon.Output([.. args, "--max-length", "7", "--json"]));
        Assert.Equal(7, json.RootElement.GetProperty("ids").GetArrayLength() + json.RootElement.GetProperty("prompt_ids").GetArrayLength());
    }

    [Fact]
    public void Options_without_effect_and_without_sense_are_refused()
    {
        Falcon.Fails(2, "top_k has no effect without do_sample", [.. Romeo, "--top-k", "5"]);
        Falcon.Fails(2, "length_penalty has no effect without num_beams", [.. Romeo, "--length-penalty", "2"]);
        Falcon.Fails(2, "max_length has no effect beside max_new_tokens", [.. Romeo, "--max-length", "20"]);
        Falcon.Fails(2, "give one of them", [.. Romeo, "--do-sample", "--temperature", "0"]);
        Falcon.Fails(2, "--early-stopping takes", [.. Romeo, "--num-beams", "2", "--early-stopping", "soon"]);
        Falcon.Fails(2, "--sequence-bias takes", [.. Romeo, "--sequence-bias", "5"]);
        Falcon.Fails(2, "--bad-words-ids takes token ids", [.. Romeo, "--bad-words-ids", "a"]);
        Falcon.Fails(2, "takes a start and a factor", [.. Romeo, "--exponential-decay-length-penalty", "5"]);
        Falcon.Fails(2, "typical_p must be above 0", [.. Romeo, "--do-sample", "--typical-p", "0"]);
        Falcon.Fails(1, "suppress_tokens holds token 5000", [.. Romeo, "--suppress-tokens", "5000"]);
    }
}
