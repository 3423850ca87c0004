using FalconMamba.Kernels.Assembled;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Model;

/// <summary>Activations of bfloat16, where the processor multiplies them faster, against float32 ones on the shipped model.</summary>
public class RoundedActivationsTests
{
    private const int Chunks = 8, Length = 512;

    private static readonly string Folder = Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m");

    [Fact]
    public void Predictions_stay_close_to_those_of_float_activations()
    {
        using var rounded = FalconMambaModel.Load(Folder);
        using var pinned = FalconMambaModel.Load(Folder, new ModelOptions { Deterministic = true });
        var text = File.ReadAllText(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "text", "tiny-shakespeare.txt"));
        // The last tenth was held out of the training.
        var ids = Tokenizer.FromFolder(Folder).Encode(text[(text.Length / 10 * 9)..])[..(Chunks * Length)];
        var total = 0.0;
        foreach (var chunk in ids.Chunk(Length)) total += Divergence.Mean(SecondHalf(pinned, chunk), SecondHalf(rounded, chunk), pinned.Config.VocabSize);
        FixtureFolder.Report($"  mean KL divergence {total / Chunks:E2} on {Chunks} chunks of {Length} tokens");
        Assert.InRange(total / Chunks, -1e-12, 5e-5);
    }

    [Fact]
    public void Exact_and_deterministic_models_keep_float_activations()
    {
        using var rounded = FalconMambaModel.Load(Folder);
        using var exact = FalconMambaModel.Load(Folder, new ModelOptions { Exact = true });
        using var pinned = FalconMambaModel.Load(Folder, new ModelOptions { Deterministic = true });
        int[] ids = [.. Enumerable.Range(20, 40)];
        Assert.Equal(SecondHalf(exact, ids), SecondHalf(pinned, ids));
        Assert.Equal((TileChoice.PrefersPairs || TileChoice.PrefersAmx || rounded.KernelPath == "amx") && rounded.KernelPath is "amx" or "emitted", !SecondHalf(rounded, ids).AsSpan().SequenceEqual(SecondHalf(pinned, ids)));
    }

    private static float[] SecondHalf(FalconMambaModel model, int[] ids)
    {
        using var state = model.CreateState();
        var logits = new float[ids.Length * model.Config.VocabSize];
        model.Forward([new Chunk(state, ids) { Logits = RowSelection.All }], logits);
        return logits[(logits.Length / 2)..];
    }
}
