using FalconMamba.Formats;
using FalconMamba.Kernels;

namespace FalconMamba.Model;

/// <summary>
/// The small tensors of a whole model as the kernels read them, in one stretch of memory: it comes in huge pages, and is
/// released at once, whichever layer could not be prepared.
/// </summary>
internal sealed class PreparedWeights : IDisposable
{
    private readonly NativeBuffer _memory;

    /// <summary>Prepares the layers on several threads.</summary>
    /// <param name="weights">The model's tensors.</param>
    /// <param name="threads">The most threads to use.</param>
    /// <exception cref="AggregateException">Tensors cannot be read; all memory is released again.</exception>
    public PreparedWeights(ModelWeights weights, int threads)
    {
        var config = weights.Config;
        int length = PreparedLayer.Length(config), count = config.NumHiddenLayers, h = RecurrentState.Pad(config.HiddenSize);
        _memory = new NativeBuffer(checked((count * length) + h));
        try
        {
            var layers = new PreparedLayer[count];
            Parallel.For(
                0,
                count,
                new ParallelOptions { MaxDegreeOfParallelism = threads },
                i => layers[i] = new PreparedLayer(config, weights.Layers[i], _memory.Slice(i * length, length)));
            Layers = layers;
            AllLayers = [.. Enumerable.Range(0, count)];
            DifferentLayers = [.. AllLayers.DistinctBy(i => TypesOf(weights.Layers[i]))];
            NormF = _memory.Slice(count * length, h);
            weights.NormF.CopyTo(NormF.Span);
        }
        catch
        {
            _memory.Dispose();
            throw;
        }
    }

    /// <summary>The layers, first to last.</summary>
    public PreparedLayer[] Layers { get; }

    /// <summary>The places of all layers.</summary>
    public int[] AllLayers { get; }

    /// <summary>The places of the layers whose matrices have other types than those of the layers before.</summary>
    public int[] DifferentLayers { get; }

    /// <summary>The last norm's weights [H].</summary>
    public NativeBuffer NormF { get; }

    /// <summary>The bytes of all of it.</summary>
    public long ByteLength => (long)_memory.Length * sizeof(float);

    public void Dispose() => _memory.Dispose();

    private static (TensorType, TensorType, TensorType, TensorType) TypesOf(LayerWeights layer) => (layer.InProj.Type, layer.XProj.Type, layer.DtProj.Type, layer.OutProj.Type);
}
