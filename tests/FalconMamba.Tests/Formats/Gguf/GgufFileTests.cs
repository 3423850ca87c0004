using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FalconMamba.Formats;
using FalconMamba.Formats.Gguf;
using FalconMamba.Quantization;

namespace FalconMamba.Tests.Formats.Gguf;

public class GgufFileTests
{
    [Fact]
    [Trait("Category", "Golden")]
    public void Metadata_tables_and_decoded_tensors_are_the_recorded_ones() => FixtureFolder.ForEach<GgufTables.Case>("gguf", GgufTables.Discover, isPart: true, check: static golden =>
    {
        using var file = GgufFile.Open(golden.Path);
        var expected = golden.Description;
        Assert.Equal(expected.GetProperty("file_bytes").GetInt64(), file.Length);
        Assert.Equal(expected.GetProperty("version").GetInt32(), file.Version);
        Assert.Equal(expected.GetProperty("data_start").GetInt64(), file.DataStart);
        GgufTables.CheckMetadata(expected.GetProperty("metadata"), file);
        Assert.Equal(expected.GetProperty("tensors").EnumerateArray().Select(row => row.GetProperty("name").GetString()), file.Tensors.Keys);
        foreach (var row in expected.GetProperty("tensors").EnumerateArray())
        {
            var tensor = file.Tensors[row.GetProperty("name").GetString()!];
            Assert.Equal(row.GetProperty("dims").EnumerateArray().Select(dimension => dimension.GetInt64()).Reverse(), tensor.Shape);
            Assert.Equal(row.GetProperty("type").GetString(), tensor.Type.ToString());
            Assert.Equal(row.GetProperty("type_id").GetInt32(), tensor.Type.Info().GgufId);
            Assert.Equal(row.GetProperty("offset").GetInt64(), tensor.FileOffset - file.DataStart);
            Assert.Equal(row.GetProperty("bytes").GetInt64(), tensor.ByteLength);
            Assert.Equal(row.GetProperty("sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(tensor.Bytes)));
            if (tensor.Type.Info().BlockLength > 1 && BlockFormats.Find(tensor.Type) is null) continue;
            Assert.Equal(row.GetProperty("sha256_f32").GetString(), Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(tensor.ToSingle()))));
        }
    });

    [Fact]
    public void Values_are_read_as_what_they_are_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.gguf"], new GgufBuilder()
            .Add("text", "é").Add("flag", true).Add("number", 7).Add("real", 1e-5f).Add("texts", ["a", ""]).Add("numbers", [1, -2]).Build());
        using var file = GgufFile.Open(folder["a.gguf"]);
        Assert.Equal(["text", "flag", "number", "real", "texts", "numbers"], file.Metadata.Keys);
        Assert.Equal("é", file.Metadata["text"].ToText());
        Assert.Equal(2, file.Metadata["text"].Count);
        Assert.True(file.Metadata["flag"].ToBoolean());
        Assert.Equal(7, file.Metadata["number"].ToInt64());
        Assert.Equal(1e-5, file.Metadata["real"].ToDouble());
        Assert.Equal(["a", ""], file.Metadata["texts"].Items.Select(text => text.ToText()));
        Assert.Equal([1L, -2L], file.Metadata["numbers"].Items.Select(number => number.ToInt64()));
        Assert.Equal(
            ["é", "true", "7", "1E-05", "Text[2]", "I32[2]"], file.Metadata.Values.Select(value => value.ToString()));

        var refused = Assert.Throws<MalformedFileException>(() => file.Metadata["text"].ToInt64());
        Assert.Equal($"{folder["a.gguf"]}: key text: a whole number was expected, it is of type Text.", refused.Message);
        Assert.Throws<MalformedFileException>(() => file.Metadata["number"].ToText());
        Assert.Throws<MalformedFileException>(() => file.Metadata["number"].ToBoolean());
        Assert.Throws<MalformedFileException>(() => file.Metadata["number"].Items);
        Assert.Throws<MalformedFileException>(() => file.Metadata["texts"].ToDouble());
    }

    [Fact]
    public void A_closed_file_gives_nothing_more()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.gguf"], new GgufBuilder().Add("key", "value").Add("t", TensorType.F32, [2], new byte[8]).Build());
        var file = GgufFile.Open(folder["a.gguf"]);
        var (value, tensor) = (file.Metadata["key"], file.Tensors["t"]);
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => value.ToText());
        Assert.Throws<ObjectDisposedException>(() => tensor.ToSingle());
    }

    [Fact]
    public void What_is_no_gguf_file_is_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["a.gguf"], "version https://git-lfs.github.com/spec/v1\n");
        Assert.Contains("Git LFS pointer", Assert.Throws<MalformedFileException>(() => GgufFile.Open(folder["a.gguf"])).Message, StringComparison.Ordinal);
        Assert.ThrowsAny<IOException>(() => GgufFile.Open(folder["missing.gguf"]));
    }
}
