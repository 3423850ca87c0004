using FalconMamba.Formats;
using FalconMamba.Quantization;

namespace FalconMamba.Model;

/// <summary>Takes a checkpoint's tensors one by one by name, checks shape and type, and names what is left over.</summary>
internal sealed class TensorBinder
{
    private readonly IReadOnlyDictionary<string, Tensor> _tensors;
    private readonly string _source, _shapes;
    private readonly SortedDictionary<string, Tensor> _taken = new(StringComparer.Ordinal);
    private readonly HashSet<string> _ignored = [];

    /// <param name="tensors">The checkpoint's tensors by name.</param>
    /// <param name="source">The checkpoint's name, for errors.</param>
    /// <param name="shapes">What the expected shapes come from, for errors.</param>
    public TensorBinder(IReadOnlyDictionary<string, Tensor> tensors, string source, string shapes)
    {
        _tensors = tensors;
        _source = source;
        _shapes = shapes;
    }

    /// <summary>A matrix that products read in place: float32, float16, bfloat16 or a block format.</summary>
    public Tensor Matrix(string name, params ReadOnlySpan<long> shape)
    {
        var tensor = Take(name, shape);
        return tensor.Type is TensorType.F32 or TensorType.F16 or TensorType.BF16 || BlockFormats.Find(tensor.Type) is not null
            ? tensor
            : throw new MalformedFileException(
                _source, $"tensor {name}", $"a matrix of F32, F16, BF16, {string.Join(", ", BlockFormats.All.Select(format => format.Type))} was expected, it is of {tensor.Type}, which is not supported");
    }

    /// <summary>A small tensor that is decoded once: any float type.</summary>
    public Tensor Vector(string name, params ReadOnlySpan<long> shape)
    {
        var tensor = Take(name, shape);
        return tensor.Type is TensorType.F64 or TensorType.F32 or TensorType.F16 or TensorType.BF16
            ? tensor
            : throw new MalformedFileException(_source, $"tensor {name}", $"floating-point numbers were expected, it is of {tensor.Type}");
    }

    /// <summary>Allows a tensor to be there without being read.</summary>
    public void Ignore(string name) => _ignored.Add(name);

    /// <summary>All taken tensors ordered by name; refuses a checkpoint that holds others.</summary>
    public IReadOnlyList<Tensor> Finish()
    {
        if (_tensors.Keys.FirstOrDefault(name => !_taken.ContainsKey(name) && !_ignored.Contains(name)) is { } extra)
            throw new MalformedFileException(_source, $"tensor {Excerpt.Of(extra)}", $"no such tensor belongs to the model that {_shapes} describes");
        return [.. _taken.Values];
    }

    private Tensor Take(string name, ReadOnlySpan<long> shape)
    {
        if (!_tensors.TryGetValue(name, out var tensor))
            throw new MalformedFileException(_source, $"tensor {name}", $"a tensor of shape [{string.Join(", ", shape.ToArray())}] was expected, there is none");
        if (!tensor.Shape.AsSpan().SequenceEqual(shape))
        {
            throw new MalformedFileException(
                _source, $"tensor {name}", $"shape [{string.Join(", ", shape.ToArray())}] was expected from {_shapes}, it is [{string.Join(", ", tensor.Shape)}]");
        }

        _taken.Add(name, tensor);
        return tensor;
    }
}
