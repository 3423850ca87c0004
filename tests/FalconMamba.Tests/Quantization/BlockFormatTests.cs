using System.Runtime.CompilerServices;
using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Quantization;

namespace FalconMamba.Tests.Quantization;

public class BlockFormatTests
{
    private const string Category = "quant/blocks";

    [Fact]
    public void Each_struct_is_a_block_of_the_table()
    {
        foreach (var format in BlockFormats.All)
        {
            Assert.Same(format, BlockFormats.Find(format.Type));
            var size = new SizeVisitor();
            format.Accept(ref size);
            Assert.Equal((format.Type.Info().BlockBytes, format.Type.Info().BlockLength), (size.Bytes, size.Length));
        }

        Assert.Null(BlockFormats.Find(TensorType.F32));
        Assert.Null(BlockFormats.Find(TensorType.IQ4_XS));
    }

    [Fact]
    public void Types_that_cannot_be_decoded_say_so()
    {
        var tensor = Tensor.FromBytes("t", TensorType.IQ4_XS, [1, 256], new byte[136]);
        Assert.Contains("IQ4_XS", Assert.Throws<NotSupportedException>(() => tensor.ToSingle()).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Golden")]
    public void Blocks_decode_bit_for_bit() => FixtureFolder.ForEach<string>(Category, static folder => Supported(folder), isPart: true, check: static path =>
    {
        var type = Enum.Parse<TensorType>(Path.GetFileNameWithoutExtension(path));
        using var file = SafetensorsFile.Open(path);
        var cases = 0;
        foreach (var (name, stored) in file.Tensors.Where(tensor => tensor.Key.EndsWith(".bytes", StringComparison.Ordinal)))
        {
            cases++;
            var expected = file.Tensors[$"{name[..^6]}.f32"].ToSingle();
            var tensor = Tensor.FromBytes(name, type, [stored.Shape[0], expected.Length / stored.Shape[0]], stored.Bytes);
            var actual = tensor.ToSingle();
            var doubles = new double[expected.Length];
            tensor.CopyTo(doubles);
            for (var i = 0; i < expected.Length; i++)
            {
                var same = float.IsNaN(expected[i]) ? float.IsNaN(actual[i]) : BitConverter.SingleToUInt32Bits(expected[i]) == BitConverter.SingleToUInt32Bits(actual[i]);
                Assert.True(same && doubles[i].Equals((double)actual[i]), $"{name}[{i}]: {actual[i]:R} instead of {expected[i]:R}");
            }
        }

        Assert.True(cases > 0, "the file holds no case");
    });

    /// <summary>The files of types that can be decoded.</summary>
    internal static IEnumerable<(string, string)> Supported(string folder) =>
        from path in Directory.EnumerateFiles(folder, "*.safetensors").Order(StringComparer.Ordinal)
        let name = Path.GetFileNameWithoutExtension(path)
        where Enum.TryParse<TensorType>(name, out var type) && (type.Info().BlockLength == 1 || BlockFormats.Find(type) is not null)
        select (name, path);

    private struct SizeVisitor : IBlockFormatVisitor
    {
        public int Bytes, Length;

        public void Visit<TFormat>() where TFormat : unmanaged, IBlockFormat<TFormat> => (Bytes, Length) = (Unsafe.SizeOf<TFormat>(), TFormat.Length);
    }
}
