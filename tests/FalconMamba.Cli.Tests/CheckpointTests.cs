using System.Text.Json;
using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Model;

namespace FalconMamba.Cli.Tests;

/// <summary>The verbs about whole checkpoints: inspect, convert, synth.</summary>
public class CheckpointTests
{
    [Fact]
    public void Inspect_tells_what_a_model_is_and_takes()
    {
        var text = Falcon.Output("inspect", Falcon.Model);
        foreach (var part in (string[])["3,676,928", "apache-2.0", "BF16", "backbone.norm_f.weight", "1024 × 256"]) Assert.Contains(part, text, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(Falcon.Output("inspect", Falcon.Model, "--json", "-t", "3"));
        var root = json.RootElement;
        Assert.Equal((3676928, "apache-2.0"), (root.GetProperty("parameters").GetInt64(), root.GetProperty("licence").GetString()));
        Assert.Equal(63, root.GetProperty("tensors").GetArrayLength());
        Assert.Equal(7353856, root.GetProperty("types")[0].GetProperty("bytes").GetInt64());
        Assert.Equal(256, root.GetProperty("config").GetProperty("hidden_size").GetInt32());
        Assert.Equal(3, root.GetProperty("kernels").GetProperty("threads").GetInt32());
        using var model = FalconMambaModel.Load(Path.GetDirectoryName(root.GetProperty("path").GetString() + "/")!);
        using var state = model.CreateState();
        Assert.Equal(state.ByteLength, root.GetProperty("memory").GetProperty("state").GetInt64());
    }

    [Fact]
    public void Inspect_tells_which_kernel_works_on_every_tensor_and_why()
    {
        using var whole = JsonDocument.Parse(Falcon.Output("inspect", Falcon.Model, "--json"));
        using var json = JsonDocument.Parse(Falcon.Output("inspect", Falcon.Model, "--kernels", "--json", "-t", "3", "--prefill", "48", "--deterministic", "--exact"));
        var (kernels, root) = (whole.RootElement.GetProperty("kernels"), json.RootElement);
        Assert.Equal((kernels.GetProperty("path").GetString(), 3), (root.GetProperty("path").GetString(), root.GetProperty("threads").GetInt32()));
        Assert.Equal(48, root.GetProperty("prefill_chunk_size").GetInt32());
        var groups = root.GetProperty("tensors").EnumerateArray().ToArray();
        var tied = whole.RootElement.GetProperty("config").GetProperty("tie_word_embeddings").GetBoolean() ? 1 : 0;
        Assert.Equal(whole.RootElement.GetProperty("tensor_count").GetInt32() + tied, groups.Sum(group => group.GetProperty("count").GetInt32()));
        foreach (var group in groups)
            foreach (var tokens in (string[])["one_token", "few_tokens", "many_tokens"])
                foreach (var field in (string[])["kernel", "instructions", "reason"]) Assert.NotEmpty(group.GetProperty(tokens).GetProperty(field).GetString()!);

        var table = Falcon.Output("inspect", Falcon.Model, "--kernels");
        Assert.Contains(Processors.Name, table, StringComparison.Ordinal);
        Assert.Matches("mixer.in_proj × 6 +BF16 +1024 × 256 ", table);
        Assert.DoesNotContain("licence", table, StringComparison.Ordinal);
    }

    [Fact]
    public void The_licence_is_shown_and_goes_along()
    {
        using var folder = new TemporaryFolder();
        Falcon.Output("convert", Falcon.Model, folder["source"], "--type", "BF16");
        File.WriteAllText(Path.Combine(folder["source"], "README.md"), "---\nlicense: other\nlicense_name: falcon-mamba-7b-license\nlicense_link: https://example.com/terms\n---\n");
        foreach (var text in (string[])["LICENCE.txt", "NOTICE", "USE_POLICY.md"]) File.WriteAllText(Path.Combine(folder["source"], text), text);
        Falcon.Output("convert", folder["source"], folder["target"], "--type", "F32");
        Assert.Contains("falcon-mamba-7b-license (https://example.com/terms)", Falcon.Output("inspect", folder["target"]), StringComparison.Ordinal);
        using var json = JsonDocument.Parse(Falcon.Output("inspect", folder["target"], "--json"));
        Assert.Equal("https://example.com/terms", json.RootElement.GetProperty("licence_link").GetString());
        foreach (var text in (string[])["LICENCE.txt", "NOTICE", "USE_POLICY.md"]) Assert.Equal(text, File.ReadAllText(Path.Combine(folder["target"], text)));
    }

    [Theory]
    [InlineData("F32", TensorType.F32)]
    [InlineData("F16", TensorType.F16)]
    [InlineData("bf16", TensorType.BF16)]
    public void Convert_writes_the_same_model_in_another_type(string type, TensorType expected)
    {
        using var folder = new TemporaryFolder();
        Falcon.Output("convert", Falcon.Model, folder["out"], "--type", type);
        using var json = JsonDocument.Parse(Falcon.Output("inspect", Falcon.Model, "--json"));
        using var source = ModelWeights.Open(json.RootElement.GetProperty("path").GetString()!);
        using var target = ModelWeights.Open(folder["out"]);
        Assert.All(target.Tensors, tensor => Assert.Equal(expected, tensor.Type));
        if (expected != TensorType.F16) Assert.Equal(source.LmHead.ToSingle(), target.LmHead.ToSingle());
        Assert.Equal(Falcon.Output("tokenize", Falcon.Model, "Hello"), Falcon.Output("tokenize", folder["out"], "Hello"));
        Assert.Equal(Falcon.Output("generate", "-n", "8", "-p", "ROMEO:"), Falcon.Output("generate", folder["out"], "-n", "8", "-p", "ROMEO:"));
    }

    [Theory]
    [InlineData("F32")]
    [InlineData("BF16")]
    [InlineData("F16")]
    public void Synth_writes_a_model_that_runs_and_says_something(string type)
    {
        using var folder = new TemporaryFolder();
        var outcome = Falcon.Run("synth", folder["out"], "--shape", "130m", "--type", type, "--layers", "2", "--seed", "7");
        Assert.Equal((0, ""), (outcome.Code, outcome.Output));
        Assert.Contains("without a tokenizer", outcome.Error, StringComparison.Ordinal);
        Falcon.Output("logits", folder["out"], "--ids", "5,6,7,8,9,10", "--out", folder["logits"], "--state");
        using var file = SafetensorsFile.Open(folder["logits"]);
        var logits = file.Tensors["logits"].ToSingle();
        Assert.All(file.InFileOrder, tensor => Assert.All(tensor.ToSingle(), value => Assert.True(float.IsFinite(value))));
        var row = logits.AsSpan(^65024..).ToArray();
        Assert.InRange(row.Max() - row.Min(), 0.5f, 50f);

        // A weight depends on its name and place, so a model with few tokens tells the first rows of this one.
        Directory.CreateDirectory(folder["few"]);
        using var weights = ModelWeights.Open(folder["out"]);
        RandomCheckpoint.Write(folder["few"], weights.Config with { VocabSize = 4 }, weights.LmHead.Type, 7, cancellationToken: TestContext.Current.CancellationToken);
        using var few = ModelWeights.Open(folder["few"]);
        Assert.Equal(few.LmHead.ToSingle(), weights.LmHead.ToSingle()[..(4 * 768)]);
    }

    [Fact]
    public void Synth_writes_a_gguf_file_that_every_verb_reads()
    {
        using var folder = new TemporaryFolder();
        var file = folder["out.gguf"];
        var outcome = Falcon.Run("synth", file, "--shape", "130m", "--type", "q4_k_m", "--layers", "1");
        Assert.Equal((0, ""), (outcome.Code, outcome.Output));
        Assert.Contains("without a tokenizer", outcome.Error, StringComparison.Ordinal);
        using (var json = JsonDocument.Parse(Falcon.Output("inspect", file, "--json")))
        {
            Assert.Equal(["F32", "F16", "Q4_K", "Q6_K"], json.RootElement.GetProperty("types").EnumerateArray().Select(type => type.GetProperty("type").GetString()));
            Assert.Equal("15", json.RootElement.GetProperty("metadata").GetProperty("general.file_type").GetString());
        }

        Assert.Matches("tokenizer +none", Falcon.Output("inspect", file));
        Falcon.Output("logits", file, "--ids", "5,6", "--last", "--out", folder["logits"]);
        Assert.Contains("| tg2 |", Falcon.Output("bench", file, "-p", "0", "-n", "2", "-r", "1", "--no-warmup"), StringComparison.Ordinal);
        Falcon.Fails(1, "no_vocab", "tokenize", file, "a");
        Falcon.Fails(1, "is there already", "synth", file, "--shape", "130m", "--type", "F16");
        Falcon.Output("synth", file, "--shape", "130m", "--type", "Q4_0", "--layers", "1", "--force");
        Assert.Contains("Q4_0", Falcon.Output("inspect", file), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_with_files_is_not_written_to_unless_it_is_forced()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["mine.txt"], "kept");
        Falcon.Fails(1, "is not empty", "convert", Falcon.Model, folder.Root, "--type", "F32");
        Falcon.Fails(1, "is not empty", "synth", folder.Root, "--shape", "130m", "--type", "F32");
        File.WriteAllText(folder["model.safetensors.index.json"], "stale");
        Falcon.Output("convert", Falcon.Model, folder.Root, "--type", "F32", "--force");
        Falcon.Output("convert", Falcon.Model, folder.Root, "--type", "BF16", "--force");
        Assert.Equal("kept", File.ReadAllText(folder["mine.txt"]));
        Assert.False(File.Exists(folder["model.safetensors.index.json"]));
        Falcon.Output("generate", folder.Root, "-p", "a", "-n", "1");
    }

    [Fact]
    public void Bad_input_is_refused_and_writes_nothing()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["file"], "");
        Falcon.Fails(2, "--type takes", "convert", Falcon.Model, folder["out"], "--type", "Q4");
        Falcon.Fails(2, "--type", "convert", Falcon.Model, folder["out"]);
        Falcon.Fails(1, "is a file", "convert", Falcon.Model, folder["file"], "--type", "F32");
        Falcon.Fails(1, "no shipped model", "convert", "absent", folder["out"], "--type", "F32");
        Falcon.Fails(2, "--shape takes one of 130m", "synth", folder["out"], "--shape", "9b", "--type", "F32");
        Falcon.Fails(2, "--shape", "synth", folder["out"], "--type", "F32");
        Falcon.Fails(2, "let OUT end in .gguf", "synth", folder["out"], "--shape", "130m", "--type", "Q4_K_M");
        Falcon.Fails(2, "--type takes F32, BF16, F16, Q8_0, Q6_K, Q5_K_M, Q4_K_M or Q4_0", "synth", folder["out.gguf"], "--shape", "130m", "--type", "Q4_K");
        Falcon.Fails(1, "there is no folder", "synth", folder["absent/out.gguf"], "--shape", "130m", "--type", "Q4_K_M");
        Falcon.Fails(1, "the disk has", "synth", folder["out.gguf"], "--shape", "7b", "--type", "F32", "--layers", "4096");
        Falcon.Fails(2, "--layers takes", "synth", folder["out"], "--shape", "130m", "--type", "F32", "--layers", "0");
        Falcon.Fails(1, "the disk has", "synth", folder["out"], "--shape", "7b", "--type", "F32", "--layers", "4096");
        Falcon.Fails(1, "was not found", "inspect", folder.Root);
        Falcon.Fails(2, "MODEL", "inspect");
        File.WriteAllText(folder["config.json"], "{}");
        Falcon.Fails(1, "model_type", "inspect", folder.Root);
        Assert.False(Directory.Exists(folder["out"]));
    }

    [Theory]
    [InlineData("out")]
    [InlineData("out.gguf")]
    public async Task A_cancelled_synth_leaves_nothing(string name)
    {
        using var folder = new TemporaryFolder();
        using var error = new StringWriter();
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();
        var terminal = new Terminal(TextWriter.Null, error, Stream.Null);
        Assert.Equal(130, await CommandLine.RunAsync(["synth", folder[name], "--shape", "130m", "--type", "F32"], terminal, cancellation.Token));
        Assert.Equal("cancelled", error.ToString().Trim());
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Root));
    }
}
