using System.Collections.Immutable;
using System.Runtime.InteropServices;
using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Generation;

namespace FalconMamba.Model;

/// <summary>
/// Writes a checkpoint of random weights in Hugging Face layout, for measuring and testing at any size. A weight is a
/// function of seed, tensor name and place, so that neither the number of layers nor the threads change it; every type
/// rounds the same numbers.
/// </summary>
/// <remarks>
/// Initialised as Mamba is (Gu and Dao 2023, section 3.6): A = −1 … −N, D = 1, the bias of dt so that softplus of it is
/// log-uniform between <c>time_step_min</c> and <c>time_step_max</c>; matrices normal with <c>initializer_range</c>.
/// </remarks>
public static class RandomCheckpoint
{
    // Sixteen bits choose one of so many equally likely values, which are encoded once: that is as fast as a disk.
    private const int Levels = 1 << 16;
    private const int LevelsABlock = 8;
    private const int PieceElements = 1 << 18, PiecesABatch = 16;

    /// <summary>Writes <c>config.json</c> and the weights.</summary>
    /// <param name="folder">The folder; it must exist.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="type">F32, F16 or BF16, for every tensor.</param>
    /// <param name="seed">Another seed gives other weights.</param>
    /// <param name="progress">Told how many bytes of weights are written.</param>
    /// <param name="cancellationToken">Looked at several times a second; the folder then has no <c>config.json</c>.</param>
    /// <returns>The bytes of the weights.</returns>
    /// <exception cref="ArgumentException">Weights cannot be of this type.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public static long Write(
        string folder, FalconMambaConfig config, TensorType type, ulong seed = 0, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(config);
        if (!TensorEncoder.Supports(type)) throw new ArgumentException($"Weights are written as F32, F16 or BF16, not as {type}.", nameof(type));
        config.Checked("config");
        long written = 0;
        var entries = Plan(config).Select(plan => new TensorEntry(plan.Name, type, plan.Shape, stream =>
            Fill(plan, type, seed, stream, bytes => progress?.Report(written += bytes), cancellationToken))).ToArray();
        SafetensorsCheckpointWriter.Write(folder, entries);
        var dtype = type switch { TensorType.F32 => "float32", TensorType.F16 => "float16", _ => "bfloat16" };
        // Last, so that a folder with a config is a whole checkpoint.
        File.WriteAllText(Path.Combine(folder, "config.json"), (config with { TorchDtype = dtype }).ToJson());
        return ByteLength(config, type);
    }

    /// <summary>The bytes that the weights take.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    public static long ByteLength(FalconMambaConfig config, TensorType type)
    {
        ArgumentNullException.ThrowIfNull(config);
        return Plan(config).Sum(plan => plan.Elements) * type.Info().BlockBytes;
    }

    private static IEnumerable<TensorPlan> Plan(FalconMambaConfig config)
    {
        long v = config.VocabSize, h = config.HiddenSize, d = config.IntermediateSize, n = config.StateSize, r = config.TimeStepRank, k = config.ConvKernel;
        var normal = Normal(config.InitializerRange);
        var taps = Uniform(1 / Math.Sqrt(k));
        var dt = Uniform(config.TimeStepScale / Math.Sqrt(r));
        var dtBias = InverseSoftplusOfLogUniform(config);
        float[] ones = [1];
        float[] aLog = [.. Enumerable.Range(1, config.StateSize).Select(s => (float)Math.Log(s))];

        yield return new("backbone.embeddings.weight", [v, h], normal);
        for (var i = 0; i < config.NumHiddenLayers; i++)
        {
            var layer = $"backbone.layers.{i}.";
            var mixer = layer + "mixer.";
            yield return new(mixer + "A_log", [d, n], aLog);
            yield return new(mixer + "D", [d], ones);
            if (config.UseConvBias) yield return new(mixer + "conv1d.bias", [d], taps);
            yield return new(mixer + "conv1d.weight", [d, 1, k], taps);
            yield return new(mixer + "dt_proj.bias", [d], dtBias);
            yield return new(mixer + "dt_proj.weight", [d, r], dt);
            if (config.UseBias) yield return new(mixer + "in_proj.bias", [2 * d], normal);
            yield return new(mixer + "in_proj.weight", [2 * d, h], normal);
            if (config.UseBias) yield return new(mixer + "out_proj.bias", [h], normal);
            yield return new(mixer + "out_proj.weight", [h, d], normal);
            yield return new(mixer + "x_proj.weight", [r + (2 * n), d], normal);
            yield return new(layer + "norm.weight", [h], ones);
        }

        yield return new("backbone.norm_f.weight", [h], ones);
        if (!config.TieWordEmbeddings) yield return new("lm_head.weight", [v, h], normal);
    }

    private static void Fill(TensorPlan plan, TensorType type, ulong seed, Stream stream, Action<long> report, CancellationToken cancellationToken)
    {
        var width = type.Info().BlockBytes;
        var values = new byte[plan.Values.Length * width];
        TensorEncoder.Encode(type, plan.Values, values);
        var bytes = new byte[Math.Min(plan.Elements, PieceElements * PiecesABatch) * width];
        for (long start = 0; start < plan.Elements; start += PieceElements * PiecesABatch)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = (int)Math.Min(PieceElements * PiecesABatch, plan.Elements - start);
            Parallel.For(0, (count + PieceElements - 1) / PieceElements, piece =>
            {
                var first = piece * PieceElements;
                var part = bytes.AsSpan(first * width, Math.Min(PieceElements, count - first) * width);
                if (width == 2) Fill(MemoryMarshal.Cast<byte, ushort>(values), plan, seed, start + first, MemoryMarshal.Cast<byte, ushort>(part));
                else Fill(MemoryMarshal.Cast<byte, uint>(values), plan, seed, start + first, MemoryMarshal.Cast<byte, uint>(part));
            });
            stream.Write(bytes.AsSpan(0, count * width));
            report((long)count * width);
        }
    }

    private static void Fill<T>(ReadOnlySpan<T> values, TensorPlan plan, ulong seed, long start, Span<T> destination)
    {
        if (values.Length < Levels)
        {
            for (var i = 0; i < destination.Length; i++) destination[i] = values[(int)((start + i) % values.Length)];
            return;
        }

        var stream = plan.Stream;
        var key = ((uint)seed, (uint)(seed >> 32));
        Span<ushort> levels = stackalloc ushort[LevelsABlock];
        for (var i = 0; i < destination.Length; i += LevelsABlock)
        {
            var block = (ulong)(start + i) / LevelsABlock;
            var (x0, x1, x2, x3) = Philox.Block(((uint)block, (uint)(block >> 32), (uint)stream, (uint)(stream >> 32)), key);
            MemoryMarshal.Write(MemoryMarshal.AsBytes(levels), ((ulong)x1 << 32) | x0);
            MemoryMarshal.Write(MemoryMarshal.AsBytes(levels[4..]), ((ulong)x3 << 32) | x2);
            var count = Math.Min(LevelsABlock, destination.Length - i);
            for (var j = 0; j < count; j++) destination[i + j] = values[levels[j]];
        }
    }

    // The quantiles of the normal distribution: the solution x(p) of dx/dp = 1 / density(x) from the median on, by the
    // midpoint method; the other half is its mirror image.
    private static float[] Normal(double deviation)
    {
        var values = new float[Levels];
        var x = 0.0;
        Advance(0.5);
        for (var i = Levels / 2; i < Levels; i++)
        {
            values[i] = (float)(deviation * x);
            values[Levels - 1 - i] = -values[i];
            Advance(1);
        }

        return values;

        void Advance(double levels)
        {
            var step = levels / Levels * Math.Sqrt(2 * Math.PI);
            var middle = x + (step / 2 * Math.Exp(x * x / 2));
            x += step * Math.Exp(middle * middle / 2);
        }
    }

    private static float[] Uniform(double bound) => Quantiles(p => ((2 * p) - 1) * bound);

    // The x with softplus(x) = dt is dt + log(1 − exp(−dt)).
    private static float[] InverseSoftplusOfLogUniform(FalconMambaConfig config)
    {
        var least = Math.Max(config.TimeStepMin, 1e-12);
        return Quantiles(p =>
        {
            var dt = Math.Max(least * Math.Pow(Math.Max(config.TimeStepMax, least) / least, p), config.TimeStepFloor);
            return dt + Math.Log(1 - Math.Exp(-dt));
        });
    }

    private static float[] Quantiles(Func<double, double> quantile) =>
        [.. Enumerable.Range(0, Levels).Select(i => (float)quantile((i + 0.5) / Levels))];

    /// <summary>A tensor to be made.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Shape">Its dimensions.</param>
    /// <param name="Values"><see cref="Levels"/> values to choose from at random, or fewer that repeat in order.</param>
    private sealed record TensorPlan(string Name, ImmutableArray<long> Shape, float[] Values)
    {
        public long Elements => Shape.Aggregate(1L, (a, b) => a * b);

        // FNV-1a: independent draws for every name.
        public ulong Stream => Name.Aggregate(14695981039346656037UL, (hash, c) => (hash ^ c) * 1099511628211UL);
    }
}
