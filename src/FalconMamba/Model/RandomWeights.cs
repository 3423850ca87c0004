using FalconMamba.Quantization;

namespace FalconMamba.Model;

/// <summary>The tensors of a model of random weights, under the names of either kind of checkpoint.</summary>
/// <remarks>
/// Initialised as Mamba is (Gu and Dao 2023, section 3.6): A = −1 … −N, D = 1, the bias of dt so that softplus of it is
/// log-uniform between <c>time_step_min</c> and <c>time_step_max</c>; matrices normal with <c>initializer_range</c>.
/// </remarks>
internal static class RandomWeights
{
    /// <summary>The tensors, in the order of a file. The draws of one do not depend on the kind of checkpoint.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="names">The kind of checkpoint.</param>
    public static IEnumerable<RandomTensor> Of(FalconMambaConfig config, TensorNames names)
    {
        long v = config.VocabSize, h = config.HiddenSize, d = config.IntermediateSize, n = config.StateSize, r = config.TimeStepRank, k = config.ConvKernel;
        var normal = Normal(config.InitializerRange);
        var taps = Uniform(1 / Math.Sqrt(k));
        var dt = Uniform(config.TimeStepScale / Math.Sqrt(r));
        var dtBias = InverseSoftplusOfLogUniform(config);
        float[] ones = [1];
        float[] a = [.. Enumerable.Range(1, config.StateSize).Select(s => names.StoresLogarithmOfA ? (float)Math.Log(s) : -s)];

        yield return Tensor(x => x.Embeddings, [v, h], config.TieWordEmbeddings ? WeightRole.Head : WeightRole.Embedding, normal);
        for (var i = 0; i < config.NumHiddenLayers; i++)
        {
            var layer = i;
            yield return Tensor(x => x.A(layer), [d, n], WeightRole.Small, a);
            yield return Tensor(x => x.D(layer), [d], WeightRole.Small, ones);
            if (config.UseConvBias) yield return Tensor(x => x.Conv1dBias(layer), [d], WeightRole.Small, taps);
            yield return Tensor(x => x.Conv1d(layer), names.StoresConvolutionAxis ? [d, 1, k] : [d, k], WeightRole.Small, taps);
            yield return Tensor(x => x.DtProjBias(layer), [d], WeightRole.Small, dtBias);
            yield return Tensor(x => x.DtProj(layer), [d, r], WeightRole.Projection, dt);
            if (config.UseBias) yield return Tensor(x => x.InProjBias(layer), [2 * d], WeightRole.Small, normal);
            yield return Tensor(x => x.InProj(layer), [2 * d, h], WeightRole.Projection, normal);
            if (config.UseBias) yield return Tensor(x => x.OutProjBias(layer), [h], WeightRole.Small, normal);
            yield return Tensor(x => x.OutProj(layer), [h, d], WeightRole.Projection, normal);
            yield return Tensor(x => x.XProj(layer), [r + (2 * n), d], WeightRole.Projection, normal);
            yield return Tensor(x => x.Norm(layer), [h], WeightRole.Small, ones);
        }

        yield return Tensor(x => x.NormF, [h], WeightRole.Small, ones);
        if (!config.TieWordEmbeddings) yield return Tensor(x => x.LmHead, [v, h], WeightRole.Head, normal);

        RandomTensor Tensor(Func<TensorNames, string> name, long[] shape, WeightRole role, float[] values) =>
            new(name(names), Hash(name(TensorNames.HuggingFace)), [.. shape], role, values);
    }

    // FNV-1a: independent draws for every name.
    private static ulong Hash(string name) => name.Aggregate(14695981039346656037UL, (hash, c) => (hash ^ c) * 1099511628211UL);

    // The quantiles of the normal distribution: the solution x(p) of dx/dp = 1 / density(x) from the median on, by the
    // midpoint method; the other half is its mirror image.
    private static float[] Normal(double deviation)
    {
        var values = new float[RandomTensor.Levels];
        var x = 0.0;
        Advance(0.5);
        for (var i = RandomTensor.Levels / 2; i < RandomTensor.Levels; i++)
        {
            values[i] = (float)(deviation * x);
            values[RandomTensor.Levels - 1 - i] = -values[i];
            Advance(1);
        }

        return values;

        void Advance(double levels)
        {
            var step = levels / RandomTensor.Levels * Math.Sqrt(2 * Math.PI);
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
        [.. Enumerable.Range(0, RandomTensor.Levels).Select(i => (float)quantile((i + 0.5) / RandomTensor.Levels))];
}
