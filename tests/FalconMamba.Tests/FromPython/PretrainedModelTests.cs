using FalconMamba.Formats;
using FalconMamba.Model;
using FalconMamba.Tests.Hub;

namespace FalconMamba.Tests.FromPython;

/// <summary>What <c>from_pretrained</c> takes, and what it refuses.</summary>
public class PretrainedModelTests
{
    private static readonly string Fixtures = Path.Combine(FixtureFolder.Repository, "tests", "fixtures");

    private static readonly int[] Prompt = [.. Enumerable.Range(20, 40)];

    [Theory]
    [InlineData("cuda")]
    [InlineData("cuda:0")]
    [InlineData("0")]
    [InlineData("mps")]
    [InlineData("")]
    [InlineData(null)]
    public void An_absent_device_is_refused(string? device)
    {
        var error = Assert.Throws<ArgumentException>(() => new PretrainedOptions { DeviceMap = device! });
        Assert.StartsWith($"device_map is \"{device}\", and there is no such device here, only the processor: use \"auto\" or \"cpu\".", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_are_checked_before_anything_is_asked_of_the_hub()
    {
        using var bench = new HubBench();
        using var client = bench.Client();
        Assert.Throws<ArgumentOutOfRangeException>(() => new PretrainedOptions { Dtype = (Dtype)7 });
        foreach (var options in (PretrainedOptions[])[new() { PrefillChunkSize = 0 }, new() { PrefillChunkSize = 20_000 }, new() { Threads = -1 }])
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => AutoModelForCausalLM.FromPretrainedAsync("owner/name", options with { Hub = client }));
        Assert.Empty(bench.Handler.Requests);
    }

    [Fact]
    public async Task A_model_on_the_hub_is_downloaded()
    {
        using var bench = new HubBench();
        using var client = bench.Client();
        var shipped = Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m");
        foreach (var file in Directory.EnumerateFiles(shipped)) bench.Hub.Files[Path.GetFileName(file)] = await File.ReadAllBytesAsync(file);

        var tokenizer = await AutoTokenizer.FromPretrainedAsync("owner/name", hub: client);
        Assert.False(File.Exists(bench[$"models--owner--name/snapshots/{StubHub.Commit}/model.safetensors"]));
        using var model = await AutoModelForCausalLM.FromPretrainedAsync("owner/name", new() { Hub = client });
        using var local = AutoModelForCausalLM.FromPretrained("shakespeare-4m");
        Assert.Equal(local.Generate(tokenizer.Encode("ROMEO:")), model.Generate(tokenizer.Encode("ROMEO:")));

        bench.Hub.Files.Clear();
        bench.Hub.Files["q4.gguf"] = await File.ReadAllBytesAsync(Path.Combine(Fixtures, "gguf", "random-dt256-tied-Q4_K_M.gguf"));
        var other = await AutoTokenizer.FromPretrainedAsync("other/name", hub: client);
        Assert.Equal("Hello", other.Decode(other.Encode("Hello")));
    }

    [Fact]
    public void A_missing_model_is_told()
    {
        Assert.Throws<FileNotFoundException>(() => AutoModelForCausalLM.FromPretrained("./no/such/folder"));
        Assert.Throws<FileNotFoundException>(() => AutoTokenizer.FromPretrained("./no/such/folder"));
        Assert.Throws<FileNotFoundException>(() => Pipeline.TextGeneration("./no/such/folder"));
    }

    [Theory]
    [InlineData("models/tiny-bf16-sharded", TensorType.F32, Dtype.Float32)]
    [InlineData("models/tiny-f16", TensorType.F32, Dtype.Float32)]
    [InlineData("models/tiny-f32", TensorType.BF16, Dtype.BFloat16)]
    [InlineData("models/tiny-odd-tied", TensorType.F16, Dtype.Float16)]
    public void A_dtype_is_the_converted_checkpoint(string name, TensorType type, Dtype dtype)
    {
        var source = Path.Combine(Fixtures, name);
        using var folder = new TemporaryFolder();
        using (var conversion = CheckpointConversion.Open(source, type)) conversion.Write(folder.Root);
        using var expected = FalconMambaModel.Load(folder.Root);
        using var model = AutoModelForCausalLM.FromPretrained(source, new() { Dtype = dtype });
        // Here the matrices alone are rounded, there the small tensors too.
        var tolerance = dtype == Dtype.Float32 ? 0 : dtype == Dtype.BFloat16 ? 0.1 : 0.01;
        Assert.Equal(dtype == Dtype.Float32, model.Runner.Weights.LmHead.Type != type);
        Assert.All(Logits(expected).Zip(Logits(model)), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, tolerance));
    }

    [Fact]
    public void Block_weights_become_plain_ones()
    {
        var path = Path.Combine(Fixtures, "gguf", "random-dt256-tied-Q4_K_M.gguf");
        using var exact = AutoModelForCausalLM.FromPretrained(path, new() { Dtype = Dtype.Float32 });
        using var half = AutoModelForCausalLM.FromPretrained(path, new() { Dtype = Dtype.Float16 });
        Assert.All(half.Runner.Weights.Tensors, tensor => Assert.True(tensor.Type is TensorType.F16 or TensorType.F32, tensor.ToString()));
        Assert.Same(half.Runner.Weights.Embeddings, half.Runner.Weights.LmHead);
        Assert.All(Logits(exact).Zip(Logits(half)), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 0.01));
    }

    [Fact]
    public void Weights_of_the_type_asked_for_stay_in_their_file()
    {
        using var model = AutoModelForCausalLM.FromPretrained("shakespeare-4m", new() { Dtype = Dtype.BFloat16 });
        Assert.All(model.Runner.Weights.Tensors, tensor => Assert.NotNull(tensor.Owner));
    }

    [Fact]
    public void A_number_too_large_for_float16_is_told()
    {
        using var folder = new TemporaryFolder();
        var config = FalconMambaConfig.FromFile(Path.Combine(Fixtures, "models", "tiny-f32", "config.json"));
        RandomCheckpoint.Write(folder.Root, config, TensorType.F32);
        var bytes = File.ReadAllBytes(folder["model.safetensors"]);
        using (var weights = ModelWeights.Open(folder.Root)) BitConverter.TryWriteBytes(bytes.AsSpan((int)weights.Layers[^1].OutProj.FileOffset), 1e6f);
        File.WriteAllBytes(folder["model.safetensors"], bytes);
        var error = Assert.Throws<InvalidOperationException>(() => AutoModelForCausalLM.FromPretrained(folder.Root, new() { Dtype = Dtype.Float16 }));
        Assert.Contains("too large for F16: convert to BF16", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_checkpoints_settings_count_where_the_caller_gives_none()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m"))) File.Copy(file, folder[Path.GetFileName(file)]);
        File.WriteAllText(folder["generation_config.json"], """{ "eos_token_id": 11, "max_new_tokens": 7, "do_sample": true, "temperature": 0.5 }""");
        using var model = AutoModelForCausalLM.FromPretrained(folder.Root);
        var prompt = AutoTokenizer.FromPretrained(folder.Root).Encode("ROMEO:");
        Assert.Equal(7, model.Generate(prompt)[0].Length - prompt.Length);
        Assert.Equal(3, model.Generate(prompt, new() { MaxNewTokens = 3 })[0].Length - prompt.Length);
        Assert.Equal(7, model.GenerateStream(prompt).Count());
        Assert.Equal(model.Generate(prompt)[0], prompt.Concat(model.GenerateStream(prompt)));
        Assert.Contains("temperature", Assert.Single(model.GenerationConfig.Complete(new() { DoSample = false }).Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(512)]
    public void Compiling_tells_the_kernels_and_changes_nothing(int chunk)
    {
        using var model = AutoModelForCausalLM.FromPretrained("shakespeare-4m", new() { PrefillChunkSize = chunk, Deterministic = true });
        var before = Logits(model);
        var plan = model.Compile();
        Assert.Equal(model.Runner.KernelPath, plan.Path);
        Assert.Equal(plan.Path is "emitted" or "amx", plan.IsEmitted);
        Assert.Equal(before, Logits(model));
        model.Runner.WarmUp(0, 3, 1000);
        Assert.Equal(before, Logits(model));
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(model.Compile);
    }

    private static float[] Logits(IModelRunner model)
    {
        using var state = model.CreateState();
        var logits = new float[Prompt.Length * model.Config.VocabSize];
        model.Forward([new Chunk(state, Prompt) { Logits = RowSelection.All }], logits);
        return logits;
    }
}
