using System.Numerics;
using FalconMamba.Formats;

namespace FalconMamba.Model;

/// <summary>
/// The model as its definition: the equations in order, one token at a time, plain loops, no vector instructions. With
/// T = double it is the reference that every kernel is held against.
/// </summary>
/// <remarks>Symbols as in docs/architecture.md: H hidden width, D inner width, N states, K taps, R rank of dt.</remarks>
public sealed class ReferenceModel<T> where T : IBinaryFloatingPointIeee754<T>
{
    private readonly FalconMambaConfig _config;
    private readonly T[] _embeddings, _normF, _lmHead;
    private readonly Layer[] _layers;

    /// <summary>Decodes all weights to T.</summary>
    /// <param name="weights">The weights; they may be disposed afterwards.</param>
    /// <param name="options">How to run, as far as it changes what is computed; null for the defaults.</param>
    public ReferenceModel(ModelWeights weights, ModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        _config = options?.Configure(weights.Config) ?? weights.Config;
        _embeddings = Decode(weights.Embeddings);
        _normF = Decode(weights.NormF);
        _lmHead = weights.LmHead == weights.Embeddings ? _embeddings : Decode(weights.LmHead);
        _layers = [.. weights.Layers.Select(layer => new Layer(
            Decode(layer.Norm),
            Decode(layer.InProj), DecodeOptional(layer.InProjBias),
            Decode(layer.Conv1d), DecodeOptional(layer.Conv1dBias),
            Decode(layer.XProj),
            Decode(layer.DtProj), Decode(layer.DtProjBias),
            [.. layer.DecodeA().Select(T.CreateChecked)],
            Decode(layer.D),
            Decode(layer.OutProj), DecodeOptional(layer.OutProjBias)))];
    }

    /// <summary>A past without tokens.</summary>
    public ReferenceState<T> CreateState() => new(_config);

    /// <summary>Moves the state over one token.</summary>
    /// <param name="state">The past, changed in place.</param>
    /// <param name="id">The token.</param>
    /// <param name="observe">Sees the embedding, each layer's output and the final norm, numbered from 0.</param>
    /// <param name="wantsLogits">False leaves the head out.</param>
    /// <returns>The next token's logits [vocabulary], empty if not wanted.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The vocabulary has no such token.</exception>
    public T[] Step(ReferenceState<T> state, int id, Action<int, ReadOnlySpan<T>>? observe = null, bool wantsLogits = true)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, _config.VocabSize);
        var h = _embeddings.AsSpan(id * _config.HiddenSize, _config.HiddenSize).ToArray();
        observe?.Invoke(0, h);
        for (var i = 0; i < _layers.Length; i++)
        {
            Mix(_layers[i], h, state.Convolution[i], state.Scan[i]);
            observe?.Invoke(i + 1, h);
        }

        var final = RmsNorm(h, _config.LayerNormEpsilon, _normF);
        observe?.Invoke(_layers.Length + 1, final);
        return wantsLogits ? Product(_lmHead, final, _config.VocabSize, null) : [];
    }

    /// <summary>One layer: h += mixer(norm(h)).</summary>
    private void Mix(Layer layer, T[] h, T[] conv, T[] ssm)
    {
        int d = _config.IntermediateSize, n = _config.StateSize, taps = _config.ConvKernel, rank = _config.TimeStepRank;
        var xz = Product(layer.InProj, RmsNorm(h, _config.LayerNormEpsilon, layer.Norm), 2 * d, layer.InProjBias);
        var x = new T[d];
        for (var c = 0; c < d; c++)
        {
            var sum = layer.Conv1dBias is null ? T.Zero : layer.Conv1dBias[c];
            for (var k = 0; k < taps - 1; k++) sum += layer.Conv1d[c * taps + k] * conv[k * d + c];
            x[c] = Silu(sum + layer.Conv1d[c * taps + taps - 1] * xz[c]);
        }

        conv.AsSpan(Math.Min(d, conv.Length)).CopyTo(conv);
        if (taps > 1) xz.AsSpan(0, d).CopyTo(conv.AsSpan((taps - 2) * d));

        var projected = Product(layer.XProj, x, rank + 2 * n, null);
        var (low, b, c2) = (projected[..rank], projected[rank..(rank + n)], projected[(rank + n)..]);
        if (_config.NormalizesDtBC)
            (low, b, c2) = (RmsNorm(low, _config.MixerRmsEps, null), RmsNorm(b, _config.MixerRmsEps, null), RmsNorm(c2, _config.MixerRmsEps, null));
        var dt = Product(layer.DtProj, low, d, layer.DtProjBias);

        var y = new T[d];
        for (var c = 0; c < d; c++)
        {
            var delta = Softplus(dt[c]);
            var sum = T.Zero;
            for (var s = 0; s < n; s++)
            {
                ref var state = ref ssm[c * n + s];
                state = T.Exp(delta * layer.A[c * n + s]) * state + delta * x[c] * b[s];
                sum += state * c2[s];
            }

            y[c] = (sum + layer.D[c] * x[c]) * Silu(xz[d + c]);
        }

        var output = Product(layer.OutProj, y, h.Length, layer.OutProjBias);
        for (var i = 0; i < h.Length; i++) h[i] += output[i];
    }

    private static T[] Product(T[] matrix, T[] vector, int rows, T[]? bias)
    {
        var result = new T[rows];
        for (var row = 0; row < rows; row++)
        {
            var weights = matrix.AsSpan(row * vector.Length, vector.Length);
            var sum = T.Zero;
            for (var k = 0; k < weights.Length; k++) sum += weights[k] * vector[k];
            result[row] = bias is null ? sum : sum + bias[row];
        }

        return result;
    }

    private static T[] RmsNorm(T[] x, double epsilon, T[]? weight)
    {
        var sum = T.Zero;
        foreach (var v in x) sum += v * v;
        var scale = T.One / T.Sqrt(sum / T.CreateChecked(x.Length) + T.CreateChecked(epsilon));
        var result = new T[x.Length];
        for (var i = 0; i < x.Length; i++) result[i] = weight is null ? x[i] * scale : x[i] * scale * weight[i];
        return result;
    }

    private static T Silu(T x) => x / (T.One + T.Exp(-x));

    private static T Softplus(T x)
    {
        // The runtime's LogP1 rounds 1 + t first; dividing that rounding out again keeps tiny steps exact (Kahan).
        var t = T.Exp(-T.Abs(x));
        var u = T.One + t;
        return T.Max(x, T.Zero) + (u == T.One ? t : T.Log(u) * t / (u - T.One));
    }

    private static T[]? DecodeOptional(Tensor? tensor) => tensor is null ? null : Decode(tensor);

    private static T[] Decode(Tensor tensor)
    {
        var values = new double[tensor.ElementCount];
        tensor.CopyTo(values);
        return values as T[] ?? [.. values.Select(T.CreateChecked)];
    }

    private sealed record Layer(
        T[] Norm, T[] InProj, T[]? InProjBias, T[] Conv1d, T[]? Conv1dBias, T[] XProj,
        T[] DtProj, T[] DtProjBias, T[] A, T[] D, T[] OutProj, T[]? OutProjBias);
}

/// <summary>The past of a sequence in a <see cref="ReferenceModel{T}"/>.</summary>
public sealed class ReferenceState<T>
{
    internal ReferenceState(FalconMambaConfig config)
    {
        Convolution = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(_ => new T[(config.ConvKernel - 1) * config.IntermediateSize])];
        Scan = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(_ => new T[config.IntermediateSize * config.StateSize])];
    }

    /// <summary>Per layer, the convolution's last inputs [K−1, D], oldest first.</summary>
    public T[][] Convolution { get; }

    /// <summary>Per layer, the scan's state [D, N].</summary>
    public T[][] Scan { get; }
}
