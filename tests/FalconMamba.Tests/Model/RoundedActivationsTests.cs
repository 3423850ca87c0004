using FalconMamba.Kernels.Assembled;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Model;

/// <summary>Activations of bfloat16, where the processor multiplies them faster, against float32 ones on the shipped model.</summary>
public class RoundedActivationsTests
{
    private const int Chunks = 8, Length = 512;

    private static readonly string Folder = Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Predictions_stay_close_to_those_of_float_activations(bool deterministic)
    {
        using var rounded = FalconMambaModel.Load(Folder, new ModelOptions { Deterministic = deterministic });
        using var exact = FalconMambaModel.Load(Folder, new ModelOptions { Exact = true });
        var total = 0.0;
        foreach (var chunk in HeldOut()[..(Chunks * Length)].Chunk(Length)) total += Divergence.Mean(SecondHalf(exact, chunk), SecondHalf(rounded, chunk), exact.Config.VocabSize);
        FixtureFolder.Report($"  mean KL divergence {total / Chunks:E2} on {Chunks} chunks of {Length} tokens, {(deterministic ? "deterministic" : "default")}");
        Assert.InRange(total / Chunks, -1e-12, 5e-5);
    }

    [Fact]
    public void A_deterministic_model_stays_close_to_the_float64_reference()
    {
        const int Tokens = 256;
        using var model = FalconMambaModel.Load(Folder, new ModelOptions { Deterministic = true });
        var ids = HeldOut()[..Tokens];
        var reference = new ReferenceModel<double>(model.Weights);
        var past = reference.CreateState();
        float[] expected = [.. ids.SelectMany(id => reference.Step(past, id)).Select(logit => (float)logit)];
        using var state = model.CreateState();
        // Token by token, as text is generated.
        var actual = new float[expected.Length];
        for (var i = 0; i < Tokens; i++) model.Forward([new Chunk(state, ids.AsMemory(i, 1))], actual.AsSpan(i * model.Config.VocabSize, model.Config.VocabSize));
        var divergence = Divergence.Mean(expected, actual, model.Config.VocabSize);
        FixtureFolder.Report($"  {Tokens} tokens, deterministic: mean KL divergence {divergence:E2}, largest error of a logit {expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max():E2} of {expected.Max(Math.Abs):F1}");
        Assert.InRange(divergence, -1e-12, 5e-5);
    }

    [Fact]
    public void Exact_models_keep_float_activations_and_deterministic_ones_never_mix_them_with_rounded_ones()
    {
        using var rounded = FalconMambaModel.Load(Folder);
        using var exact = FalconMambaModel.Load(Folder, new ModelOptions { Exact = true });
        using var pinned = FalconMambaModel.Load(Folder, new ModelOptions { Deterministic = true });
        var isEmitted = rounded.KernelPath is "amx" or "emitted";
        foreach (var count in (int[])[2, 40])
        {
            int[] ids = [.. Enumerable.Range(20, count)];
            var expected = SecondHalf(exact, ids);
            Assert.Equal(isEmitted && TileChoice.PrefersPairs, !SecondHalf(pinned, ids).AsSpan().SequenceEqual(expected));
            if (count < 8) Assert.Equal(expected, SecondHalf(rounded, ids));
            else Assert.Equal(isEmitted && (TileChoice.PrefersPairs || TileChoice.PrefersAmx || rounded.KernelPath == "amx"), !SecondHalf(rounded, ids).AsSpan().SequenceEqual(expected));
        }
    }

    // The last tenth was held out of the training.
    private static int[] HeldOut()
    {
        var text = File.ReadAllText(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "text", "tiny-shakespeare.txt"));
        return Tokenizer.FromFolder(Folder).Encode(text[(text.Length / 10 * 9)..]);
    }

    private static float[] SecondHalf(FalconMambaModel model, int[] ids)
    {
        using var state = model.CreateState();
        var logits = new float[ids.Length * model.Config.VocabSize];
        model.Forward([new Chunk(state, ids) { Logits = RowSelection.All }], logits);
        return logits[(logits.Length / 2)..];
    }
}
