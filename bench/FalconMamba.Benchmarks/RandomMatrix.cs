using System.Runtime.InteropServices;
using FalconMamba.Formats;
using FalconMamba.Quantization;

namespace FalconMamba.Benchmarks;

/// <summary>Matrices of random bits, with scales that keep every product an ordinary number.</summary>
internal static class RandomMatrix
{
    private const int TileBlocks = 1 << 14;

    /// <summary>A matrix that repeats one tile of random blocks.</summary>
    public static Tensor Create(TensorType type, int rows, int columns)
    {
        var info = type.Info();
        var tile = Tile(type, info);
        var bytes = new byte[checked((int)((long)rows * columns / info.BlockLength * info.BlockBytes))];
        for (var rest = bytes.AsSpan(); rest.Length > 0; rest = rest[Math.Min(tile.Length, rest.Length)..])
            tile.AsSpan(0, Math.Min(tile.Length, rest.Length)).CopyTo(rest);
        return Tensor.FromBytes(type.ToString(), type, [rows, columns], bytes);
    }

    private static byte[] Tile(TensorType type, TensorTypeInfo info)
    {
        var random = new Random(1);
        var bytes = new byte[TileBlocks * info.BlockBytes];
        if (BlockFormats.Find(type) is { } format)
        {
            random.NextBytes(bytes);
            var visitor = new ScaleVisitor(bytes);
            format.Accept(ref visitor);
        }
        else
        {
            var numbers = new float[TileBlocks];
            foreach (ref var number in numbers.AsSpan()) number = random.NextSingle() - 0.5f;
            TensorEncoder.Encode(type, numbers, bytes);
        }

        return bytes;
    }

    /// <summary>Sets every scale of half precision in the blocks, whose random bits could be infinite.</summary>
    private readonly struct ScaleVisitor(byte[] bytes) : IBlockFormatVisitor
    {
        public void Visit<TFormat>() where TFormat : unmanaged, IBlockFormat<TFormat>
        {
            var scale = MemoryMarshal.Read<HalfScale>(BitConverter.GetBytes((Half)(1f / 256)));
            var fields = Array.FindAll(typeof(TFormat).GetFields(), field => field.FieldType == typeof(HalfScale));
            foreach (ref var block in MemoryMarshal.Cast<byte, TFormat>(bytes.AsSpan()))
            {
                object boxed = block;
                foreach (var field in fields) field.SetValue(boxed, scale);
                block = (TFormat)boxed;
            }
        }
    }
}
