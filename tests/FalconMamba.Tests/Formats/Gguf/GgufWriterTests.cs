using FalconMamba.Formats;
using FalconMamba.Formats.Gguf;
using FsCheck;
using FsCheck.Fluent;

namespace FalconMamba.Tests.Formats.Gguf;

public class GgufWriterTests
{
    private static readonly Gen<Tensor> AnyTensor =
        from name in Gen.OneOf(Gen.Elements("blk.0.ssm_in.weight", "é中😀", "a\"b\\c\n", new string('n', 63)), Gen.Choose(0, 999).Select(i => $"t{i}"))
        from type in Gen.Elements(TensorTypes.All.Where(row => row.GgufId is not null).ToArray())
        from outer in Gen.Choose(0, 3).Select(d => (long)d).ArrayOf(3)
        from rank in Gen.Choose(0, 3)
        from blocks in Gen.Choose(0, 3)
        let shape = (long[])[.. outer[..rank], blocks * type.BlockLength]
        from bytes in Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf((int)shape.Aggregate(1L, (product, d) => product * d) / type.BlockLength * type.BlockBytes)
        select Tensor.FromBytes(name, type.Type, [.. shape], bytes);

    [Fact]
    public void What_is_written_is_read_back_in_order_and_aligned()
    {
        using var folder = new TemporaryFolder();
        Prop.ForAll(AnyTensor.ArrayOf().Select(tensors => tensors.DistinctBy(tensor => tensor.Name).ToArray()).ToArbitrary(), tensors =>
        {
            GgufWriter.Write(folder["t.gguf"], new GgufMetadata(), [.. tensors.Select(Entry)]);
            using var file = GgufFile.Open(folder["t.gguf"]);
            Assert.Equal((3, 32, 0), (file.Version, file.Alignment, file.DataStart % 32));
            Assert.Equal(0, file.Length % 32);
            Assert.Equal(tensors.Select(tensor => tensor.Name), file.Tensors.Keys);
            foreach (var tensor in tensors)
            {
                var read = file.Tensors[tensor.Name];
                Assert.Equal((tensor.Type, 0), (read.Type, read.FileOffset % 32));
                Assert.Equal(tensor.Shape, read.Shape);
                Assert.True(tensor.Bytes.SequenceEqual(read.Bytes));
            }
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Every_kind_of_metadata_is_read_back()
    {
        using var folder = new TemporaryFolder();
        var metadata = new GgufMetadata();
        metadata.Add("text", "é\n中😀");
        metadata.Add("empty", "");
        metadata.Add("yes", true);
        metadata.Add("no", false);
        metadata.Add("size", uint.MaxValue);
        metadata.Add("epsilon", 1e-5f);
        metadata.Add("tokens", ["a", "", "中"]);
        metadata.Add("kinds", [1, -2, int.MinValue]);
        GgufWriter.Write(folder["m.gguf"], metadata, []);
        using var file = GgufFile.Open(folder["m.gguf"]);
        var read = file.Metadata;
        Assert.Equal(["text", "empty", "yes", "no", "size", "epsilon", "tokens", "kinds"], read.Keys);
        Assert.Equal(("é\n中😀", ""), (read["text"].ToText(), read["empty"].ToText()));
        Assert.Equal((true, false), (read["yes"].ToBoolean(), read["no"].ToBoolean()));
        Assert.Equal((GgufValueType.U32, uint.MaxValue), (read["size"].Type, read["size"].ToInt64()));
        Assert.Equal((GgufValueType.F32, 1e-5), (read["epsilon"].Type, read["epsilon"].ToDouble()));
        Assert.Equal(["a", "", "中"], read["tokens"].Items.Select(token => token.ToText()));
        Assert.Equal([1, -2, int.MinValue], read["kinds"].Items.Select(kind => kind.ToInt64()));
        Assert.Equal((GgufValueType.Text, GgufValueType.I32), (read["tokens"].ElementType, read["kinds"].ElementType));
    }

    [Fact]
    public void The_bytes_are_those_of_another_writer()
    {
        using var folder = new TemporaryFolder();
        var metadata = new GgufMetadata();
        metadata.Add("general.architecture", "mamba");
        metadata.Add("mamba.block_count", 3u);
        metadata.Add("mamba.ssm.dt_b_c_rms", true);
        metadata.Add("tokenizer.ggml.tokens", ["a", "b"]);
        byte[] bytes = [.. Enumerable.Range(0, 40).Select(i => (byte)i)];
        var entries = new[] { Tensor.FromBytes("one", TensorType.F32, [2, 5], bytes), Tensor.FromBytes("two", TensorType.Q4_0, [2, 32], bytes.AsSpan(0, 36)) };
        GgufWriter.Write(folder["a.gguf"], metadata, [.. entries.Select(Entry)]);
        var expected = new GgufBuilder()
            .Add("general.architecture", "mamba").Add("mamba.block_count", 3).Add("mamba.ssm.dt_b_c_rms", true).Add("tokenizer.ggml.tokens", ["a", "b"])
            .Add("one", TensorType.F32, [2, 5], bytes).Add("two", TensorType.Q4_0, [2, 32], bytes[..36]).Build();
        Assert.Equal(expected, File.ReadAllBytes(folder["a.gguf"]));
    }

    [Fact]
    public void A_failure_leaves_the_older_file_and_nothing_beside_it()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["a.gguf"], "old");
        foreach (var write in (Action<Stream>[])[stream => stream.Write(new byte[5]), stream => stream.Write(new byte[3]), _ => throw new IOException("full")])
            Assert.ThrowsAny<Exception>(() => GgufWriter.Write(folder["a.gguf"], new GgufMetadata(), [new TensorEntry("t", TensorType.F32, [1], write)]));
        Assert.Equal("old", File.ReadAllText(folder["a.gguf"]));
        Assert.Single(Directory.EnumerateFiles(folder.Root));
    }

    [Fact]
    public void What_the_format_cannot_hold_is_refused_before_anything_is_written()
    {
        using var folder = new TemporaryFolder();
        Refused(Named("a"), Named("a"));
        Refused(Named(""));
        Refused(Named(new string('n', 64)));
        Refused(Named("\ud800"));
        Refused(new TensorEntry("a", TensorType.U16, [1], _ => { }));
        Refused(new TensorEntry("a", TensorType.F32, [1, 1, 1, 1, 1], _ => { }));
        Refused(new TensorEntry("a", TensorType.Q4_K, [255], _ => { }));
        Refused(new TensorEntry("a", TensorType.F32, [long.MaxValue, 2], _ => { }));
        Refused(new TensorEntry("a", TensorType.I8, [long.MaxValue], _ => { }));
        var metadata = new GgufMetadata();
        metadata.Add("key", 1u);
        foreach (var key in (string[])["key", "", "general.alignment", new string('k', 1 << 16), "\ud800"])
            Assert.ThrowsAny<ArgumentException>(() => metadata.Add(key, "value"));
        Assert.Empty(Directory.EnumerateFiles(folder.Root));

        static TensorEntry Named(string name) => new(name, TensorType.F32, [0], _ => { });

        void Refused(params TensorEntry[] entries) => Assert.ThrowsAny<ArgumentException>(() => GgufWriter.Write(folder["a.gguf"], new GgufMetadata(), entries));
    }

    private static TensorEntry Entry(Tensor tensor) => new(tensor.Name, tensor.Type, tensor.Shape, stream => stream.Write(tensor.Bytes));
}
