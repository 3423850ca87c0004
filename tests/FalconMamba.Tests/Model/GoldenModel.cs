using System.Runtime.CompilerServices;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Model;

namespace FalconMamba.Tests.Model;

/// <summary>One folder of <c>models/</c>: a checkpoint with its golden values.</summary>
internal sealed class GoldenModel : IDisposable
{
    private readonly SafetensorsFile _goldens;

    private GoldenModel(string folder)
    {
        Folder = folder;
        _goldens = SafetensorsFile.Open(Path.Combine(folder, "goldens.safetensors"));
        Lengths = [.. _goldens.Tensors.Keys
            .Where(name => name.StartsWith("len", StringComparison.Ordinal) && name.EndsWith(".ids", StringComparison.Ordinal) && name.Count(c => c == '.') == 1)
            .Select(name => int.Parse(name[3..^4], System.Globalization.CultureInfo.InvariantCulture))
            .Order()];
    }

    public string Folder { get; }

    /// <summary>The lengths of the golden prompts.</summary>
    public int[] Lengths { get; }

    /// <summary>Runs a check on every folder of <c>models/</c> that has golden values.</summary>
    public static void ForEach(Action<GoldenModel> check, [CallerMemberName] string test = "") => FixtureFolder.ForEach(
        "models",
        root => Directory.EnumerateDirectories(root)
            .Where(folder => File.Exists(Path.Combine(folder, "goldens.safetensors")))
            .Order(StringComparer.Ordinal)
            .Select(folder => (Path.GetFileName(folder), folder)),
        folder =>
        {
            using var golden = new GoldenModel(folder);
            check(golden);
        },
        test: test);

    public bool Has(string name) => _goldens.Tensors.ContainsKey(name);

    public float[] Values(string name) => _goldens.Tensors[name].ToSingle();

    public int[] Ids(string name) => [.. Values(name).Select(id => (int)id)];

    /// <summary>Holds values to the bound 5e-5 · max(1, max |reference| / 10) and returns the largest error over that bound.</summary>
    public double Compare(string name, ReadOnlySpan<float> actual)
    {
        var expected = Values(name);
        Assert.Equal(expected.Length, actual.Length);
        double largest = 0, error = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected[i]));
            var difference = Math.Abs((double)expected[i] - actual[i]);
            error = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(error, difference);
        }

        var bound = 5e-5 * Math.Max(1, largest / 10);
        Assert.True(error <= bound, $"{name}: error {error:E2} is above the bound {bound:E2}");
        return error / bound;
    }

    /// <summary>Compares a state with <c>{prefix}.state.{i}.conv</c> and <c>.ssm</c>.</summary>
    public double CompareState(string prefix, RecurrentState state, FalconMambaConfig config)
    {
        var worst = 0.0;
        var conv = new float[(config.ConvKernel - 1) * config.IntermediateSize];
        var ssm = new float[config.IntermediateSize * config.StateSize];
        for (var i = 0; i < config.NumHiddenLayers; i++)
        {
            state.CopyConvolutionTo(i, conv);
            state.CopyScanTo(i, ssm);
            worst = Math.Max(worst, Math.Max(Compare($"{prefix}.state.{i}.conv", conv), Compare($"{prefix}.state.{i}.ssm", ssm)));
        }

        return worst;
    }

    public void Dispose() => _goldens.Dispose();
}
