using System.Buffers.Binary;
using System.Text;
using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;

namespace FalconMamba.Tests.Formats.Safetensors;

public class SafetensorsFileTests
{
    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "Git LFS pointer")]
    [InlineData("<!DOCTYPE html><html><body>Not found</body></html>", "HTML page")]
    [InlineData("\n <html>Sign in", "HTML page")]
    [InlineData("GGUF\u0003\0\0\0\0\0\0\0\0\0\0\0", "GGUF file")]
    [InlineData("PK\u0003\u0004\0\0\0\0\0\0\0\0", "PyTorch")]
    [InlineData("abc", "the file has 3")]
    public void What_is_saved_in_place_of_weights_gets_its_own_sentence(string content, string words)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["t.safetensors"], content);
        var error = Assert.Throws<MalformedFileException>(() => SafetensorsFile.Open(folder["t.safetensors"]));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(". ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"data_offsets":[0,1]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":null,"data_offsets":[0,1]}}""")]
    [InlineData("""{"a":{"dtype":1,"shape":[1],"data_offsets":[0,1]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551616]}}""")]
    [InlineData("""{"a":null}""")]
    [InlineData("""{"a":[]}""")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""")]
    [InlineData("""{"a":{"dtype":"\ud800","shape":[1],"data_offsets":[0,1]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}/**/}""")]
    [InlineData("""{"__metadata__":{},"__metadata__":{},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""")]
    [InlineData("""{"__metadata__":{"k":"v","k":"v"},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""")]
    [InlineData("""{"__metadata__":[],"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""")]
    public void Headers_that_break_the_specification_are_refused(string header)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["t.safetensors"], WithHeader(header, [7]));
        Assert.Throws<MalformedFileException>(() => SafetensorsFile.Open(folder["t.safetensors"]));
    }

    [Fact]
    public void Unknown_keys_of_a_tensor_are_skipped()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["t.safetensors"], WithHeader("""{"a":{"extra":{"k":[1]},"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", [7]));
        using var file = SafetensorsFile.Open(folder["t.safetensors"]);
        Assert.Equal([7f], file.Tensors["a"].ToSingle());
    }

    [Fact]
    public void A_rank_without_end_is_refused()
    {
        using var folder = new TemporaryFolder();
        var shape = string.Join(',', Enumerable.Repeat(1, 100_000));
        File.WriteAllBytes(folder["t.safetensors"], WithHeader($$$"""{"a":{"dtype":"U8","shape":[{{{shape}}}],"data_offsets":[0,1]}}""", [7]));
        Assert.Throws<MalformedFileException>(() => SafetensorsFile.Open(folder["t.safetensors"]));
    }

    [Fact]
    public void Many_small_tensors_stay_within_sixteen_times_the_file()
    {
        using var folder = new TemporaryFolder();
        var path = folder["t.safetensors"];
        var header = $"{{{string.Join(',', Enumerable.Range(0, 100_000).Select(i => $$"""
            "{{i:x}}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}
            """))}}}";
        File.WriteAllBytes(path, WithHeader(header, []));
        var before = GC.GetAllocatedBytesForCurrentThread();
        using var file = SafetensorsFile.Open(path);
        var growth = GC.GetAllocatedBytesForCurrentThread() - before;
        FixtureFolder.Report($"opening {new FileInfo(path).Length} bytes of header allocates {growth}");
        Assert.InRange(growth, 0, (1 << 20) + (16 * new FileInfo(path).Length));
        Assert.Equal(100_000, file.Tensors.Count);
    }

    [Fact]
    public void Random_damage_is_refused_or_harmless()
    {
        using var folder = new TemporaryFolder();
        var path = folder["t.safetensors"];
        SafetensorsWriter.Write(path, [
            Tensor.FromArray<float>("backbone.embeddings.weight", [3, 4], new float[12]),
            Tensor.FromArray<Half>("b", [2], [(Half)1, (Half)2]),
            Tensor.FromArray<long>("scalar", [], [5])], new Dictionary<string, string> { ["format"] = "pt" });
        var good = File.ReadAllBytes(path);
        var random = new Random(20260101);
        var accepted = 0;
        for (var i = 0; i < 4000; i++)
        {
            File.WriteAllBytes(path, Damage(good, random));
            try
            {
                using var file = SafetensorsFile.Open(path);
                foreach (var tensor in file.InFileOrder)
                {
                    Assert.Equal(tensor.ByteLength, tensor.Bytes.ToArray().Length);
                    Assert.Equal(tensor.ElementCount, tensor.ToSingle().Length);
                }

                accepted++;
            }
            catch (MalformedFileException e)
            {
                Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
            }
        }

        FixtureFolder.Report($"4000 damaged files: {accepted} still valid, the others refused");
    }

    private static byte[] Damage(byte[] good, Random random)
    {
        var bytes = new List<byte>(good);
        for (var edits = random.Next(1, 4); edits > 0; edits--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes.Insert(at, (byte)"0123456789-.e[]{}\",: \\"[random.Next(22)]); break;
                case 3: bytes.RemoveAt(at); break;
                case 4: bytes.RemoveRange(at, bytes.Count - at); break;
                default: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 60), bytes.Count - at))); break;
            }

            if (bytes.Count == 0) break;
        }

        return [.. bytes];
    }

    private static byte[] WithHeader(string header, byte[] data)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        return [.. length, .. json, .. data];
    }
}
