using FalconMamba.Formats;
using FalconMamba.Model;

namespace FalconMamba.Cli.Bench;

/// <summary>What a token costs at least: the bytes that must move and the products that must be computed.</summary>
internal sealed class TokenWork
{
    private readonly ModelWeights _weights;
    private readonly bool _exact;
    private readonly long _weightBytes, _stateBytes;

    /// <param name="model">The model that runs.</param>
    /// <param name="exact">Whether block formats are multiplied with float activations.</param>
    public TokenWork(FalconMambaModel model, bool exact)
    {
        _weights = model.Weights;
        _exact = exact;
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
    public (double Float32, double Int8) Operations(bool hasLogits)
    {
        var (float32, int8) = (0.0, 0.0);
        foreach (var layer in _weights.Layers)
        {
            Add(layer.InProj);
            Add(layer.XProj);
            Add(layer.DtProj);
            Add(layer.OutProj);
        }

        if (hasLogits) Add(_weights.LmHead);
        return (float32, int8);

        void Add(Tensor matrix)
        {
            if (_exact || matrix.Type.Info().BlockLength == 1) float32 += 2.0 * matrix.ElementCount;
            else int8 += 2.0 * matrix.ElementCount;
        }
    }
}
