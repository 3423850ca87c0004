using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Model;

namespace FalconMamba.Tests.Model;

public class ModelWeightsTests
{
    private static readonly string Folder = Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models", "tiny-f32");

    [Fact]
    public void A_missing_tensor_is_named() => Refuses(
        tensors => tensors.Remove("backbone.layers.1.mixer.D"),
        "backbone.layers.1.mixer.D",
        "there is none");

    [Fact]
    public void An_extra_tensor_is_named() => Refuses(
        tensors => tensors["backbone.layers.7.mixer.D"] = tensors["backbone.layers.1.mixer.D"],
        "backbone.layers.7.mixer.D",
        "no such tensor");

    [Fact]
    public void A_misshapen_tensor_is_named_with_both_shapes() => Refuses(
        tensors => tensors["backbone.norm_f.weight"] = tensors["backbone.layers.1.mixer.D"],
        "backbone.norm_f.weight",
        "[64] was expected from config.json, it is [128]");

    [Fact]
    public void A_matrix_of_integers_is_refused() => Refuses(
        tensors => tensors["lm_head.weight"] = Tensor.FromArray<int>("lm_head.weight", [1000, 64], new int[64000]),
        "lm_head.weight",
        "I32");

    [Fact]
    public void Files_are_read_to_their_end()
    {
        using var weights = ModelWeights.Open(Folder);
        var reached = new Reached();
        weights.ReadIntoMemory(reached, TestContext.Current.CancellationToken);
        Assert.Equal(new FileInfo(Path.Combine(Folder, "model.safetensors")).Length, reached.Bytes);
    }

    [Fact]
    public void Reading_ends_when_it_is_cancelled()
    {
        using var weights = ModelWeights.Open(Folder);
        var reached = new Reached();
        Assert.Throws<OperationCanceledException>(() => weights.ReadIntoMemory(reached, new CancellationToken(canceled: true)));
        Assert.Equal(0, reached.Bytes);
    }

    [Fact]
    public void Tied_weights_may_be_stored_twice()
    {
        using var checkpoint = SafetensorsCheckpoint.Open(Folder);
        var config = FalconMambaConfig.FromFile(Path.Combine(Folder, "config.json")) with { TieWordEmbeddings = true };
        var weights = ModelWeights.Bind(config, checkpoint.Tensors, Folder);
        Assert.Same(weights.Embeddings, weights.LmHead);
    }

    [Fact]
    public void The_width_is_the_intermediate_size_whatever_expand_says()
    {
        using var weights = ModelWeights.Open(Folder);
        Assert.Equal(128, weights.Config.IntermediateSize);
        Assert.Equal(1e-6, weights.Config.MixerRmsEps);
        Assert.Equal(weights.Tensors.Sum(tensor => tensor.ElementCount), weights.ParameterCount);
    }

    private static void Refuses(Action<Dictionary<string, Tensor>> change, params string[] parts)
    {
        using var checkpoint = SafetensorsCheckpoint.Open(Folder);
        var tensors = new Dictionary<string, Tensor>(checkpoint.Tensors);
        change(tensors);
        var config = FalconMambaConfig.FromFile(Path.Combine(Folder, "config.json"));
        var e = Assert.Throws<MalformedFileException>(() => ModelWeights.Bind(config, tensors, Folder));
        Assert.All(parts, part => Assert.Contains(part, e.Message, StringComparison.Ordinal));
        Assert.DoesNotContain('\n', e.Message);
    }

    private sealed class Reached : IProgress<long>
    {
        public long Bytes { get; private set; }

        public void Report(long value) => Bytes = value;
    }
}
