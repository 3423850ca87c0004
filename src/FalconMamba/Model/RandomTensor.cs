using System.Collections.Immutable;
using System.Runtime.InteropServices;
using FalconMamba.Formats;
using FalconMamba.Generation;
using FalconMamba.Quantization;

namespace FalconMamba.Model;

/// <summary>A tensor of random weights.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Stream">The number of its draws, which no other tensor shares.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Role">What it is in the model.</param>
/// <param name="Values"><see cref="Levels"/> values to choose from at random, or fewer that repeat in order.</param>
internal sealed record RandomTensor(string Name, ulong Stream, ImmutableArray<long> Shape, WeightRole Role, float[] Values)
{
    /// <summary>Sixteen bits choose one of so many equally likely values, which are encoded once: that is as fast as a disk.</summary>
    public const int Levels = 1 << 16;

    private const int LevelsABlock = 8;
    private const int PieceElements = 1 << 18, PiecesABatch = 16;

    private delegate void Filler(long start, Span<byte> destination);

    private long Elements => Shape.Aggregate(1L, (a, b) => a * b);

    /// <summary>The bytes it takes.</summary>
    public long ByteLength(TensorType type) => TensorTypes.TryMeasure(type, Shape.AsSpan(), out _, out var bytes)
        ? bytes
        : throw new ArgumentException($"Tensor {Name} of shape [{string.Join(", ", Shape)}] cannot be of type {type}.", nameof(type));

    /// <summary>The tensor as something to be written.</summary>
    /// <param name="type">How it is stored; every plain type rounds the same numbers, blocks have their deviation.</param>
    /// <param name="seed">Another seed gives other weights.</param>
    /// <param name="report">Told the bytes of each piece.</param>
    /// <param name="cancellationToken">Looked at before each piece.</param>
    public TensorEntry Entry(TensorType type, ulong seed, Action<long> report, CancellationToken cancellationToken) =>
        new(Name, type, Shape, stream => Write(type, seed, stream, report, cancellationToken));

    private void Write(TensorType type, ulong seed, Stream stream, Action<long> report, CancellationToken cancellationToken)
    {
        var fill = FillerOf(type, seed);
        var bytes = new byte[BytesOf(Math.Min(Elements, PieceElements * PiecesABatch))];
        for (long start = 0; start < Elements; start += PieceElements * PiecesABatch)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = (int)Math.Min(PieceElements * PiecesABatch, Elements - start);
            Parallel.For(0, (count + PieceElements - 1) / PieceElements, piece =>
            {
                var first = piece * PieceElements;
                fill(start + first, bytes.AsSpan(BytesOf(first), BytesOf(Math.Min(PieceElements, count - first))));
            });
            stream.Write(bytes.AsSpan(0, BytesOf(count)));
            report(BytesOf(count));
        }

        int BytesOf(long elements) => (int)(elements / type.Info().BlockLength * type.Info().BlockBytes);
    }

    private Filler FillerOf(TensorType type, ulong seed)
    {
        var info = type.Info();
        if (info.BlockLength > 1)
        {
            var blocks = RandomBlocks.Of(type, Math.Sqrt(Values.Average(value => (double)value * value)));
            return (start, destination) => blocks.Fill(seed, Stream, start / info.BlockLength, destination);
        }

        var values = new byte[Values.Length * info.BlockBytes];
        TensorEncoder.Encode(type, Values, values);
        if (info.BlockBytes == sizeof(ushort))
            return (start, destination) => Fill(MemoryMarshal.Cast<byte, ushort>(values), seed, start, MemoryMarshal.Cast<byte, ushort>(destination));
        return (start, destination) => Fill(MemoryMarshal.Cast<byte, uint>(values), seed, start, MemoryMarshal.Cast<byte, uint>(destination));
    }

    private void Fill<T>(ReadOnlySpan<T> values, ulong seed, long start, Span<T> destination)
    {
        if (values.Length < Levels)
        {
            for (var i = 0; i < destination.Length; i++) destination[i] = values[(int)((start + i) % values.Length)];
            return;
        }

        var key = ((uint)seed, (uint)(seed >> 32));
        Span<ushort> levels = stackalloc ushort[LevelsABlock];
        for (var i = 0; i < destination.Length; i += LevelsABlock)
        {
            var block = (ulong)(start + i) / LevelsABlock;
            var (x0, x1, x2, x3) = Philox.Block(((uint)block, (uint)(block >> 32), (uint)Stream, (uint)(Stream >> 32)), key);
            MemoryMarshal.Write(MemoryMarshal.AsBytes(levels), ((ulong)x1 << 32) | x0);
            MemoryMarshal.Write(MemoryMarshal.AsBytes(levels[4..]), ((ulong)x3 << 32) | x2);
            var count = Math.Min(LevelsABlock, destination.Length - i);
            for (var j = 0; j < count; j++) destination[i + j] = values[levels[j]];
        }
    }
}
