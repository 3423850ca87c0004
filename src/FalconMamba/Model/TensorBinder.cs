using FalconMamba.Formats;

namespace FalconMamba.Model;

/// <summary>Takes a checkpoint's tensors one by one by name, checks shape and type, and names what is left over.</summary>
internal sealed class TensorBinder
{
    private readonly IReadOnlyDictionary<string, Tensor> _tensors;
    private readonly string _source;
    private readonly SortedDictionary<string, Tensor> _taken = new(StringComparer.Ordinal);
    private readonly HashSet<string> _ignored = [];

    public TensorBinder(IReadOnlyDictionary<string, Tensor> tensors, string source)
    {
        _tensors = tensors;
        _source = source;
    }

    /// <summary>A matrix that products read in place: float32, float16 or bfloat16.</summary>
    public Tensor Matrix(string name, params ReadOnlySpan<long> shape)
    {
        var tensor = Take(name, shape);
        return tensor.Type is TensorType.F32 or TensorType.F16 or TensorType.BF16
            ? tensor
            : throw new MalformedFileException(_source, $"tensor {name}", $"a matrix of F32, F16 or BF16 was expected, it is of {tensor.Type}");
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
            throw new MalformedFileException(_source, $"tensor {extra}", "no such tensor belongs to the model that config.json describes");
        return [.. _taken.Values];
    }

    private Tensor Take(string name, ReadOnlySpan<long> shape)
    {
        if (!_tensors.TryGetValue(name, out var tensor))
            throw new MalformedFileException(_source, $"tensor {name}", $"a tensor of shape [{string.Join(", ", shape.ToArray())}] was expected, there is none");
        if (!tensor.Shape.AsSpan().SequenceEqual(shape))
        {
            throw new MalformedFileException(
                _source, $"tensor {name}", $"shape [{string.Join(", ", shape.ToArray())}] was expected from config.json, it is [{string.Join(", ", tensor.Shape)}]");
        }

        _taken.Add(name, tensor);
        return tensor;
    }
}
