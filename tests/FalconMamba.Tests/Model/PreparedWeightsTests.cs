using FalconMamba.Model;

namespace FalconMamba.Tests.Model;

public class PreparedWeightsTests
{
    private static readonly string Models = Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models");

    public static TheoryData<string> Folders => [.. Directory.EnumerateDirectories(Models).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_and_the_taps_lie_where_the_state_has_their_channels(string folder)
    {
        using var weights = ModelWeights.Open(folder);
        using var prepared = new PreparedWeights(weights, threads: 2);
        int d = weights.Config.IntermediateSize, n = weights.Config.StateSize, taps = weights.Config.ConvKernel;
        Assert.Equal(weights.Layers.Count, prepared.Layers.Length);
        foreach (var layer in prepared.Layers)
        {
            var a = layer.Weights.DecodeA();
            var convolution = layer.Weights.Conv1d.ToSingle();
            for (var c = 0; c < d; c++)
            {
                for (var s = 0; s < n; s++)
                    Assert.Equal((float)(a[(c * n) + s] * 1.4426950408889634), layer.Scan.A.Span[RecurrentState.Place(c, s, n)]);
                for (var k = 0; k < taps; k++)
                    Assert.Equal(convolution[(c * taps) + k], layer.Convolution.Weight.Span[RecurrentState.Place(c, k, taps)]);
            }

            Assert.Equal(layer.Weights.Norm.ToSingle(), layer.Norm.Span[..weights.Config.HiddenSize].ToArray());
            Assert.Equal(layer.Weights.D.ToSingle(), layer.Scan.D.Span[..d].ToArray());
        }

        Assert.Equal(weights.NormF.ToSingle(), prepared.NormF.Span[..weights.Config.HiddenSize].ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void What_fails_on_a_thread_fails_as_itself(int threads)
    {
        var weights = ModelWeights.Open(Folders.First().Data);
        weights.Dispose();
        Assert.Throws<ObjectDisposedException>(() => new FalconMambaModel(weights, new ModelOptions { Threads = threads }));
    }
}
