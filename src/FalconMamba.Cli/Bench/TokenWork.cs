using FalconMamba.Formats;
using FalconMamba.Model;

namespace FalconMamba.Cli.Bench;

/// <summary>What a token costs at least: the bytes that must move and the products that must be computed.</summary>
internal sealed class TokenWork
{
    private readonly ModelWeights _weights;
    private readonly ModelOptions _options;
    private readonly long _weightBytes, _stateBytes;

    /// <param name="model">The model that runs.</param>
    /// <param name="options">How it runs.</param>
    public TokenWork(FalconMambaModel model, ModelOptions options)
    {
        _weights = model.Weights;
        _options = options;
        using var state = model.CreateState();
        _stateBytes = state.ByteLength;
        _weightBytes = _weights.ByteLength - (_weights.LmHead == _weights.Embeddings ? 0 : _weights.Embeddings.ByteLength);
    }

    /// <summary>
    /// Bytes of a step in which each of some sequences goes on by a token: every tensor but the embeddings once, and each
    /// state twice, read and written.
    /// </summary>
    public long BytesOfStep(int sequences) => _weightBytes + (2 * _stateBytes * sequences);

    /// <summary>Multiplications and additions in matrix products a token, by the type that computes.</summary>
    /// <param name="hasLogits">Whether the token's logits are computed too.</param>
    /// <remarks>BF16 weights count as bfloat16 where activations may be rounded to it.</remarks>
    public (double Float32, double BFloat16, double Int8) Operations(bool hasLogits)
    {
        var (float32, bfloat16, int8) = (0.0, 0.0, 0.0);
        foreach (var layer in _weights.Layers)
        {
            Add(layer.InProj);
            Add(layer.XProj);
            Add(layer.DtProj);
            Add(layer.OutProj);
        }

        if (hasLogits) Add(_weights.LmHead);
        return (float32, bfloat16, int8);

        void Add(Tensor matrix)
        {
            var operations = 2.0 * matrix.ElementCount;
            if (matrix.Type == TensorType.BF16 && !_options.Exact) bfloat16 += operations;
            else if (_options.Exact || matrix.Type.Info().BlockLength == 1) float32 += operations;
            else int8 += operations;
        }
    }
}
