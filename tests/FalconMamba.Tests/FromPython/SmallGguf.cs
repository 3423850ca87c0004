using System.Text.Json;
using FalconMamba.Formats;
using FalconMamba.Formats.Gguf;
using FalconMamba.Model;
using FalconMamba.Quantization;

namespace FalconMamba.Tests.FromPython;

/// <summary>A GGUF file of the shape and the tokenizer of the model that ships, with random weights.</summary>
internal static class SmallGguf
{
    private const string TokenizerModel = "tokenizer.ggml.model";

    /// <summary>Writes the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mix">The types of its weights.</param>
    public static void Write(string path, string mix)
    {
        var folder = Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m");
        using var scratch = new TemporaryFolder();
        RandomCheckpoint.Write(scratch["bare.gguf"], FalconMambaConfig.FromFile(Path.Combine(folder, "config.json")), QuantizationMix.Find(mix)!);
        using var bare = GgufFile.Open(scratch["bare.gguf"]);
        var metadata = new GgufMetadata();
        foreach (var (key, value) in bare.Metadata)
        {
            if (key != TokenizerModel) Copy(metadata, key, value);
        }

        AddTokenizer(metadata, Path.Combine(folder, "tokenizer.json"));
        GgufWriter.Write(path, metadata, [.. bare.Tensors.Values.Select(tensor => new TensorEntry(tensor.Name, tensor.Type, tensor.Shape, stream => stream.Write(tensor.Bytes)))]);
    }

    private static void Copy(GgufMetadata metadata, string key, GgufValue value)
    {
        switch (value.Type)
        {
            case GgufValueType.Text: metadata.Add(key, value.ToText()); break;
            case GgufValueType.Bool: metadata.Add(key, value.ToBoolean()); break;
            case GgufValueType.F32: metadata.Add(key, (float)value.ToDouble()); break;
            default: metadata.Add(key, (uint)value.ToInt64()); break;
        }
    }

    private static void AddTokenizer(GgufMetadata metadata, string path)
    {
        const int Normal = 1, Control = 3;
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        var model = json.RootElement.GetProperty("model");
        var tokens = model.GetProperty("vocab").EnumerateObject().OrderBy(token => token.Value.GetInt32()).Select(token => token.Name).ToArray();
        var added = json.RootElement.GetProperty("added_tokens").EnumerateArray().Select(token => token.GetProperty("content").GetString()).ToHashSet();
        metadata.Add(TokenizerModel, "gpt2");
        metadata.Add("tokenizer.ggml.pre", "falcon");
        metadata.Add("tokenizer.ggml.tokens", tokens);
        metadata.Add("tokenizer.ggml.token_type", tokens.Select(token => added.Contains(token) ? Control : Normal).ToArray());
        metadata.Add("tokenizer.ggml.merges", model.GetProperty("merges").EnumerateArray().Select(pair => $"{pair[0].GetString()} {pair[1].GetString()}").ToArray());
        metadata.Add("tokenizer.ggml.bos_token_id", 8u);
        metadata.Add("tokenizer.ggml.eos_token_id", 11u);
    }
}
