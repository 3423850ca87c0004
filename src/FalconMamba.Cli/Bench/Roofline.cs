using System.Text.Json.Nodes;
using FalconMamba.Kernels;

namespace FalconMamba.Cli.Bench;

/// <summary>
/// What this machine can do at most, measured before and after a test, and the share of it that the test reached. A busy
/// machine is slow at both, so the best counts of the machine, and of the test's rates the median.
/// </summary>
internal sealed class Roofline(TokenWork work, int threads)
{
    private double _bandwidth, _float32, _bfloat16, _int8;

    /// <summary>The fields for a row of a report without any measurement.</summary>
    public static void AddNothing(JsonObject row)
    {
        foreach (var name in (string[])["bandwidth_bytes_per_s", "bandwidth_share", "peak_f32_ops_per_s", "peak_bf16_ops_per_s", "peak_int8_ops_per_s", "peak_share"]) row[name] = null;
    }

    /// <summary>Measures once more; the best counts.</summary>
    public void Measure()
    {
        _bandwidth = Math.Max(_bandwidth, MemoryBandwidth.Measure(threads));
        _float32 = Math.Max(_float32, ProductPeaks.MeasureFloats(threads));
        _bfloat16 = Math.Max(_bfloat16, ProductPeaks.MeasureBFloat16(threads));
        _int8 = Math.Max(_int8, ProductPeaks.MeasureBytes(threads));
    }

    /// <summary>Adds the fields of a report's row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="prompt">Prompt tokens a second, or 0.</param>
    /// <param name="generated">Tokens a second, all sequences together, or 0.</param>
    /// <param name="sequences">Sequences that go on together.</param>
    public void AddTo(JsonObject row, double prompt, double generated, int sequences = 1)
    {
        row["bandwidth_bytes_per_s"] = Math.Round(_bandwidth);
        row["bandwidth_share"] = generated > 0 ? Math.Round(BandwidthShare(generated, sequences), 4) : null;
        row["peak_f32_ops_per_s"] = Math.Round(_float32);
        row["peak_bf16_ops_per_s"] = Math.Round(_bfloat16);
        row["peak_int8_ops_per_s"] = Math.Round(_int8);
        row["peak_share"] = generated > 0 || prompt > 0 ? Math.Round(PeakShare(generated > 0 ? generated : prompt, generated > 0), 4) : null;
    }

    /// <summary>Tells what generating reached of the bandwidth.</summary>
    public void TellGeneration(Terminal terminal, double median, double best, int sequences = 1)
    {
        var bytes = work.BytesOfStep(sequences);
        terminal.Error.WriteLine(
            $"memory is read at {Units.Bytes((long)_bandwidth)}/s and a step moves {Units.Bytes(bytes)}: "
            + $"the median run reached {Reached(median)}, the best one {Reached(best)}");
        string Reached(double rate) => $"{Units.Bytes((long)(rate / sequences * bytes))}/s ({BandwidthShare(rate, sequences):P1})";
    }

    /// <summary>Tells what reading a prompt, or generating for several sequences, reached of the products' peak.</summary>
    public void TellProducts(Terminal terminal, double median, double best, bool hasLogits)
    {
        var (float32, bfloat16, int8) = work.Operations(hasLogits);
        terminal.Error.WriteLine(
            $"products peak at {Operations(_float32)}/s in float32, {Operations(_bfloat16)}/s in bfloat16 and {Operations(_int8)}/s in int8, "
            + $"and a token takes {Operations(float32)}, {Operations(bfloat16)} and {Operations(int8)}: "
            + $"the median run reached {PeakShare(median, hasLogits):P1}, the best one {PeakShare(best, hasLogits):P1}");
    }

    private static string Operations(double count) => $"{Units.Count((long)count)} operations";

    private double BandwidthShare(double rate, int sequences) => rate / sequences * work.BytesOfStep(sequences) / _bandwidth;

    private double PeakShare(double rate, bool hasLogits)
    {
        var (float32, bfloat16, int8) = work.Operations(hasLogits);
        // Where pairs of bfloat16 are not faster, float32 computes them.
        return rate * ((float32 / _float32) + (bfloat16 / Math.Max(_float32, _bfloat16)) + (int8 / _int8));
    }
}
