using System.Globalization;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Model;

/// <summary>
/// The shipped model over a long text, float32 kernels against the float64 reference: errors must not grow with the
/// position. <c>FALCON_MAMBA_LONG_TOKENS</c> sets the length; 20,000 takes two minutes.
/// </summary>
public class LongRunTests
{
    [Fact]
    public void Errors_stay_bounded_over_a_long_text()
    {
        var folder = Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m");
        var length = int.Parse(Environment.GetEnvironmentVariable("FALCON_MAMBA_LONG_TOKENS") ?? "600", CultureInfo.InvariantCulture);
        var text = File.ReadAllText(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "text", "tiny-shakespeare.txt"));
        // The last tenth was held out of the training.
        var ids = Tokenizer.FromFolder(folder).Encode(text[(text.Length / 10 * 9)..])[..length];

        using var model = FalconMambaModel.Load(folder, new ModelOptions { Exact = true });
        using var state = model.CreateState();
        var reference = new ReferenceModel<double>(model.Weights);
        var past = reference.CreateState();
        var logits = new float[model.Config.VocabSize];
        var every = Math.Max(1, length / 20);
        double logitError = 0, largestLogit = 0;
        for (var start = 0; start < length; start += every)
        {
            var chunk = ids.AsMemory(start, Math.Min(every, length - start));
            model.Forward([new Chunk(state, chunk)], logits);
            double[] expected = [];
            for (var i = 0; i < chunk.Length; i++) expected = reference.Step(past, chunk.Span[i], wantsLogits: i == chunk.Length - 1);
            for (var v = 0; v < logits.Length; v++)
            {
                logitError = Math.Max(logitError, Math.Abs(expected[v] - logits[v]));
                largestLogit = Math.Max(largestLogit, Math.Abs(expected[v]));
            }
        }

        var (stateError, largestState) = CompareScan(model, state, past);
        FixtureFolder.Report(
            $"{length} tokens: logits {logitError:E2} of {largestLogit:F1}, states {stateError:E2} of {largestState:F1}");
        Assert.InRange(logitError, 0, 5e-5 * Math.Max(1, largestLogit / 10));
        Assert.InRange(stateError, 0, 5e-5 * Math.Max(1, largestState / 10));
    }

    private static (double Error, double Largest) CompareScan(FalconMambaModel model, RecurrentState state, ReferenceState<double> past)
    {
        double error = 0, largest = 0;
        var scan = new float[model.Config.IntermediateSize * model.Config.StateSize];
        for (var i = 0; i < state.LayerCount; i++)
        {
            state.CopyScanTo(i, scan);
            for (var j = 0; j < scan.Length; j++)
            {
                error = Math.Max(error, Math.Abs(past.Scan[i][j] - scan[j]));
                largest = Math.Max(largest, Math.Abs(past.Scan[i][j]));
            }
        }

        return (error, largest);
    }
}
