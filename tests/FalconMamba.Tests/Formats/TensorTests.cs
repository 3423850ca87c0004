using System.Buffers.Binary;
using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;
using FsCheck;
using FsCheck.Fluent;

namespace FalconMamba.Tests.Formats;

public class TensorTests
{
    [Fact]
    public void Every_type_has_its_row()
    {
        Assert.Equal(Enum.GetValues<TensorType>(), TensorTypes.All.Select(row => row.Type).Order());
        Assert.All(TensorTypes.All, row => Assert.Same(row, row.Type.Info()));
        Assert.Throws<ArgumentOutOfRangeException>(() => ((TensorType)(-1)).Info());
    }

    [Fact]
    public void Each_type_of_number_decodes_to_its_values()
    {
        Check<double>(TensorType.F64, [1.5, -2.25, double.PositiveInfinity, 5e-324, Math.PI]);
        Check<float>(TensorType.F32, [1.5f, -2.25f, float.NegativeInfinity, float.Epsilon, MathF.PI]);
        Check<Half>(TensorType.F16, [(Half)1.5f, (Half)(-2.25f), Half.PositiveInfinity, Half.Epsilon, Half.MaxValue]);
        Check<long>(TensorType.I64, [0, -1, 1L << 40, 9007199254740991]);
        Check<int>(TensorType.I32, [0, -1, int.MinValue, int.MaxValue]);
        Check<short>(TensorType.I16, [0, -1, short.MinValue, short.MaxValue]);
        Check<sbyte>(TensorType.I8, [0, -1, sbyte.MinValue, sbyte.MaxValue]);
        Check<ulong>(TensorType.U64, [0, 1, 1UL << 63]);
        Check<uint>(TensorType.U32, [0, 1, uint.MaxValue]);
        Check<ushort>(TensorType.U16, [0, 1, ushort.MaxValue]);
        Check<byte>(TensorType.U8, [0, 1, byte.MaxValue]);

        static void Check<T>(TensorType type, T[] values)
            where T : unmanaged, System.Numerics.INumber<T>
        {
            var tensor = Tensor.FromArray<T>("t", [values.Length], values);
            var doubles = new double[values.Length];
            tensor.CopyTo(doubles);
            Assert.Equal(type, tensor.Type);
            Assert.Equal(values.Select(double.CreateTruncating), doubles);
            Assert.Equal(values.Select(float.CreateTruncating), tensor.ToSingle());
        }
    }

    [Fact]
    public void Booleans_decode_to_0_and_1() =>
        Assert.Equal([1f, 0f, 1f], Tensor.FromArray<bool>("t", [3], [true, false, true]).ToSingle());

    [Fact]
    public void Bfloat16_is_the_upper_half_of_a_float()
    {
        for (var bits = 0; bits <= ushort.MaxValue; bits++)
        {
            var bytes = new byte[2];
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)bits);
            var value = Tensor.FromBytes("t", TensorType.BF16, [], bytes).ToSingle()[0];
            Assert.Equal(BitConverter.Int32BitsToSingle(bits << 16), value);
        }
    }

    [Theory]
    [InlineData(0x00, 0.0)]
    [InlineData(0x01, 0.001953125)]
    [InlineData(0x07, 0.013671875)]
    [InlineData(0x08, 0.015625)]
    [InlineData(0x38, 1.0)]
    [InlineData(0xB9, -1.125)]
    [InlineData(0x7E, 448.0)]
    [InlineData(0xFE, -448.0)]
    [InlineData(0x7F, double.NaN)]
    [InlineData(0xFF, double.NaN)]
    public void E4M3_follows_the_fn_variant(byte bits, double expected) => CheckByte(TensorType.F8E4M3, bits, expected);

    [Theory]
    [InlineData(0x00, 0.0)]
    [InlineData(0x01, 0.0000152587890625)]
    [InlineData(0x04, 0.00006103515625)]
    [InlineData(0x3C, 1.0)]
    [InlineData(0xBD, -1.25)]
    [InlineData(0x7B, 57344.0)]
    [InlineData(0x7C, double.PositiveInfinity)]
    [InlineData(0xFC, double.NegativeInfinity)]
    [InlineData(0x7D, double.NaN)]
    public void E5M2_is_the_upper_half_of_a_binary16(byte bits, double expected) => CheckByte(TensorType.F8E5M2, bits, expected);

    [Fact]
    public void Every_8_bit_float_ascends_with_its_bits_and_mirrors_in_sign()
    {
        foreach (var (type, largest) in new[] { (TensorType.F8E4M3, 0x7E), (TensorType.F8E5M2, 0x7C) })
        {
            var values = Tensor.FromBytes("t", type, [256], [.. Enumerable.Range(0, 256).Select(i => (byte)i)]).ToSingle();
            for (var bits = 1; bits <= largest; bits++) Assert.True(values[bits] > values[bits - 1], $"{type} {bits}");
            for (var bits = 0; bits <= largest; bits++) Assert.Equal(-values[bits], values[bits + 128]);
        }
    }

    [Fact]
    public void A_run_of_elements_is_the_same_part_of_all_elements() =>
        Prop.ForAll(
            (from type in Gen.Elements(TensorTypes.All.Where(row => row.BlockLength == 1).ToArray())
             from count in Gen.Choose(0, 50)
             from bytes in Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf(count * type.BlockBytes)
             from start in Gen.Choose(0, count)
             from length in Gen.Choose(0, count - start)
             select (type.Type, count, bytes, start, length)).ToArbitrary(),
            c =>
            {
                var tensor = Tensor.FromBytes("t", c.Type, [c.count], c.bytes);
                var run = new float[c.length];
                tensor.CopyTo(c.start, run);
                return tensor.ToSingle().AsSpan(c.start, c.length).SequenceEqual(run)
                    || run.Any(float.IsNaN);
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void Ranges_outside_the_tensor_are_refused()
    {
        var tensor = Tensor.FromArray<float>("t", [2, 2], [1, 2, 3, 4]);
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.Slice(-1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.Slice(9, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.Slice(long.MaxValue, int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.CopyTo(3, new float[2]));
        Assert.Throws<ArgumentException>(() => tensor.CopyTo(new float[3]));
    }

    [Fact]
    public void Values_and_shape_must_fit_each_other()
    {
        Assert.Throws<ArgumentException>(() => Tensor.FromArray<float>("t", [3], [1, 2]));
        Assert.Throws<ArgumentException>(() => Tensor.FromArray<float>("t", [-1, -2], [1, 2]));
        Assert.Throws<ArgumentException>(() => Tensor.FromArray<float>("t", [1L << 32, 1L << 32], []));
        Assert.Throws<ArgumentException>(() => Tensor.FromArray<float>("t", [1L << 32, 1L << 32, 0], []));
        Assert.Throws<ArgumentException>(() => Tensor.FromArray<decimal>("t", [1], [1]));
    }

    [Fact]
    public unsafe void The_pointer_is_the_first_byte()
    {
        using var folder = new TemporaryFolder();
        var owned = Tensor.FromArray<byte>("t", [3], [1, 2, 3]);
        SafetensorsWriter.Write(folder["t.safetensors"], [owned]);
        using var file = SafetensorsFile.Open(folder["t.safetensors"]);
        foreach (var tensor in new[] { owned, file.Tensors["t"] })
            Assert.Equal([1, 2, 3], new ReadOnlySpan<byte>(tensor.Pointer, 3).ToArray());
        GC.KeepAlive(owned);
    }

    [Fact]
    public unsafe void A_closed_file_is_no_longer_read()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.Write(folder["t.safetensors"], [Tensor.FromArray<float>("t", [1], [1])]);
        var file = SafetensorsFile.Open(folder["t.safetensors"]);
        var tensor = file.Tensors["t"];
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => tensor.Bytes.Length);
        Assert.Throws<ObjectDisposedException>(tensor.ToSingle);
        Assert.Throws<ObjectDisposedException>(() => (nint)tensor.Pointer);
    }

    [Fact]
    public void An_empty_file_maps_to_no_bytes()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["empty"], []);
        using var file = MappedFile.Open(folder["empty"]);
        Assert.Equal(0, file.Length);
        Assert.True(file.Slice(0, 0).IsEmpty);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Slice(0, 1));
    }

    private static void CheckByte(TensorType type, byte bits, double expected)
    {
        var tensor = Tensor.FromBytes("t", type, [], [bits]);
        var value = new double[1];
        tensor.CopyTo(value);
        Assert.Equal(expected, value[0]);
        Assert.Equal((float)expected, tensor.ToSingle()[0]);
    }
}
