using FalconMamba.Formats;

namespace FalconMamba.Model;

/// <summary>A tensor in another type: F32, F16 or BF16, each number rounded to the nearest.</summary>
internal static class TensorConversion
{
    private const int PieceElements = 1 << 20;

    /// <summary>The same tensor in memory of its own.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="cancellationToken">Looked at several times a second.</param>
    /// <exception cref="InvalidOperationException">A number is too large for the type, or there are more bytes than an array can hold.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public static Tensor Convert(Tensor tensor, TensorType type, CancellationToken cancellationToken)
    {
        var length = tensor.ElementCount * type.Info().BlockBytes;
        if (length > Array.MaxLength) throw new InvalidOperationException($"Tensor {tensor.Name} takes {length} bytes as {type}, more than one array can hold: keep its type.");
        var bytes = new byte[length];
        using var stream = new MemoryStream(bytes);
        Write(tensor, type, stream, null, cancellationToken);
        return Tensor.FromBytes(tensor.Name, type, tensor.Shape.AsSpan(), bytes);
    }

    /// <summary>Writes the bytes of the converted tensor.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="stream">Takes the bytes.</param>
    /// <param name="report">Told how many bytes each part has.</param>
    /// <param name="cancellationToken">Looked at several times a second.</param>
    /// <exception cref="InvalidOperationException">A number is too large for the type.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public static void Write(Tensor tensor, TensorType type, Stream stream, Action<long>? report, CancellationToken cancellationToken)
    {
        var values = new float[Math.Min(PieceElements, tensor.ElementCount)];
        var bytes = new byte[values.Length * type.Info().BlockBytes];
        for (long start = 0; start < tensor.ElementCount; start += values.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var part = values.AsSpan(0, (int)Math.Min(values.Length, tensor.ElementCount - start));
            tensor.CopyTo(start, part);
            if (type == TensorType.F16) CheckRange(tensor, part);
            var encoded = bytes.AsSpan(0, part.Length * type.Info().BlockBytes);
            TensorEncoder.Encode(type, part, encoded);
            stream.Write(encoded);
            report?.Invoke(encoded.Length);
        }
    }

    private static void CheckRange(Tensor tensor, ReadOnlySpan<float> values)
    {
        foreach (var value in values)
        {
            if (float.IsFinite(value) && !Half.IsFinite((Half)value))
                throw new InvalidOperationException($"Tensor {tensor.Name} has the value {value:G6}, which is too large for F16: convert to BF16.");
        }
    }
}
