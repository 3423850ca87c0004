using System.Buffers.Binary;
using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;
using FsCheck;
using FsCheck.Fluent;

namespace FalconMamba.Tests.Formats.Safetensors;

public class SafetensorsWriterTests
{
    private static readonly Gen<string> Name = Gen.OneOf(
        Gen.Elements("backbone.layers.0.mixer.A_log", "", "é中😀", "a\"b\\c\n", "dtype"),
        Gen.Choose(0, 999).Select(i => $"t{i}"));

    private static readonly Gen<Tensor> AnyTensor =
        from name in Name
        from type in Gen.Elements(TensorTypes.All.Where(row => row.SafetensorsName is not null).ToArray())
        from rank in Gen.Choose(0, 4)
        from shape in Gen.Choose(0, 4).ArrayOf(rank)
        from bytes in Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf(shape.Aggregate(type.BlockBytes, (product, d) => product * d))
        select Tensor.FromBytes(name, type.Type, [.. shape.Select(d => (long)d)], bytes);

    private static readonly Gen<Dictionary<string, string>> AnyMetadata =
        from pairs in Name.Zip(Name).ArrayOf()
        select pairs.DistinctBy(pair => pair.Item1).ToDictionary(pair => pair.Item1, pair => pair.Item2);

    [Fact]
    public void What_is_written_is_read_back()
    {
        using var folder = new TemporaryFolder();
        var path = folder["t.safetensors"];
        Prop.ForAll(
            (from tensors in AnyTensor.ArrayOf() from metadata in AnyMetadata select (tensors.DistinctBy(t => t.Name).ToArray(), metadata)).ToArbitrary(),
            written =>
            {
                var (tensors, metadata) = written;
                SafetensorsWriter.Write(path, tensors, metadata);
                using var file = SafetensorsFile.Open(path);
                Assert.Equal(metadata, file.Metadata);
                Assert.Equal(tensors.Length, file.Tensors.Count);
                Assert.Equal(WithBytes(tensors.OrderByDescending(t => t.Type.Info().BlockBytes)), WithBytes(file.InFileOrder));
                foreach (var tensor in tensors)
                {
                    var read = file.Tensors[tensor.Name];
                    Assert.Equal(tensor.Type, read.Type);
                    Assert.Equal(tensor.Shape, read.Shape);
                    Assert.True(tensor.Bytes.SequenceEqual(read.Bytes));
                }
            }).QuickCheckThrowOnFailure();

        // Tensors without bytes share their place with a neighbour, so only the others have an order.
        static IEnumerable<string> WithBytes(IEnumerable<Tensor> tensors) => tensors.Where(t => t.ByteLength > 0).Select(t => t.Name);
    }

    [Fact]
    public void The_data_begins_at_a_multiple_of_8_and_every_tensor_is_aligned_to_its_element()
    {
        using var folder = new TemporaryFolder();
        var path = folder["t.safetensors"];
        for (var length = 1; length < 20; length++)
        {
            SafetensorsWriter.Write(path, [
                Tensor.FromArray<byte>(new string('n', length), [3], [1, 2, 3]),
                Tensor.FromArray<double>("d", [1], [1]),
                Tensor.FromArray<float>("f", [1], [2])]);
            var bytes = File.ReadAllBytes(path);
            Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(bytes) % 8);
            using var file = SafetensorsFile.Open(path);
            Assert.Equal(["d", "f", new string('n', length)], file.InFileOrder.Select(t => t.Name));
        }
    }

    [Fact]
    public void Declared_tensors_are_written_in_order_piece_by_piece()
    {
        using var folder = new TemporaryFolder();
        var asked = new List<string>();
        SafetensorsWriter.Write(folder["t.safetensors"], [Entry("b", 3), Entry("a", 300_000)]);
        using var file = SafetensorsFile.Open(folder["t.safetensors"]);
        Assert.Equal(["b", "a"], asked);
        Assert.Equal(["b", "a"], file.InFileOrder.Select(t => t.Name));
        Assert.Equal(Enumerable.Range(0, 300_000).Select(i => (byte)i), file.Tensors["a"].Bytes.ToArray());

        TensorEntry Entry(string name, int length) => new(name, TensorType.U8, [length], stream =>
        {
            asked.Add(name);
            for (var i = 0; i < length; i++) stream.WriteByte((byte)i);
        });
    }

    [Fact]
    public void A_failed_write_leaves_the_old_file_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        var path = folder["t.safetensors"];
        SafetensorsWriter.Write(path, [Tensor.FromArray<float>("old", [1], [1])]);
        var old = File.ReadAllBytes(path);
        foreach (Action<Stream> write in new Action<Stream>[] { s => s.Write(new byte[3]), s => s.Write(new byte[5]), _ => throw new IOException("the disk is full") })
        {
            Assert.ThrowsAny<Exception>(() => SafetensorsWriter.Write(path, [new TensorEntry("new", TensorType.F32, [1], write)]));
            Assert.Equal(old, File.ReadAllBytes(path));
            Assert.Equal([path], Directory.GetFileSystemEntries(folder.Root));
        }
    }

    [Fact]
    public void An_open_file_can_be_replaced_by_its_own_tensors()
    {
        using var folder = new TemporaryFolder();
        var path = folder["t.safetensors"];
        SafetensorsWriter.Write(path, [Tensor.FromArray<float>("a", [2], [1, 2]), Tensor.FromArray<float>("b", [1], [3])]);
        using (var file = SafetensorsFile.Open(path)) SafetensorsWriter.Write(path, [file.Tensors["b"]]);
        using var replaced = SafetensorsFile.Open(path);
        Assert.Equal([3f], replaced.Tensors["b"].ToSingle());
    }

    [Fact]
    public void Headers_that_cannot_be_read_back_are_refused()
    {
        using var folder = new TemporaryFolder();
        var path = folder["t.safetensors"];
        Refused(new TensorEntry("__metadata__", TensorType.U8, [0], _ => { }));
        Refused(new TensorEntry("a", TensorType.U8, [-1], _ => { }));
        Refused(new TensorEntry("a", TensorType.U8, [long.MaxValue, 2], _ => { }));
        Refused(new TensorEntry("\ud800", TensorType.U8, [0], _ => { }));
        Refused(new("a", TensorType.U8, [0], _ => { }), new("a", TensorType.U8, [0], _ => { }));
        Refused(new("a", TensorType.U8, [long.MaxValue], _ => { }), new("b", TensorType.U8, [1], _ => { }));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Root));

        void Refused(params TensorEntry[] entries) => Assert.ThrowsAny<ArgumentException>(() => SafetensorsWriter.Write(path, entries));
    }
}
