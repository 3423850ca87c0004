using System.IO.Compression;
using System.Text.Json;
using FalconMamba.ChatTemplates;
using FalconMamba.Formats;
using FalconMamba.Formats.Gguf;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Fuzz;

/// <summary>Every reader of the library, with the valid files that the fixtures have for it.</summary>
internal static class FuzzTargets
{
    private const int MostElements = 1 << 20;
    private const string SampleText = "The King's 1234 <|im_end|> é\n";

    /// <summary>The readers; their inputs are written into folders below <paramref name="folder"/>.</summary>
    public static IReadOnlyList<FuzzTarget> Create(string fixtures, string folder)
    {
        var models = Directory.GetDirectories(Path.Combine(fixtures, "models")).Order(StringComparer.Ordinal).ToArray();
        var states = new StateTarget(models[0], Folder("states"));
        return
        [
            new("gguf", Path.Combine(Folder("gguf"), "input.gguf"), GgufSeeds(fixtures).Select(file => new GgufMutator(file)), ReadGguf),
            new("safetensors", Path.Combine(Folder("safetensors"), "model.safetensors"), SafetensorsSeeds(fixtures).Select(file => new SafetensorsMutator(file)), ReadSafetensors),
            Index(models.First(model => File.Exists(Path.Combine(model, SafetensorsCheckpoint.IndexName))), Folder("index")),
            new("config", Path.Combine(Folder("config"), "config.json"), Files(fixtures, "config.json").Concat(Files(fixtures, "generation_config.json")).Select(file => new JsonMutator(file)), ReadConfig),
            new("tokenizer", Path.Combine(Folder("tokenizer"), "tokenizer.json"), Files(fixtures, "*tokenizer.json*").Concat(Files(fixtures, "tokenizer_config.json")).Select(file => new JsonMutator(file)), ReadTokenizer),
            new("template", Path.Combine(Folder("template"), "chat_template.jinja"), Files(Path.Combine(fixtures, "templates"), "*.jinja").Select(file => new TemplateMutator(file)), ReadTemplate),
            new("states", states.InputPath, states.Seeds.Select(file => new SafetensorsMutator(file)), states.Read),
        ];

        string Folder(string name) => Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
    }

    private static IEnumerable<byte[]> Files(string fixtures, string pattern) => Directory
        .EnumerateFiles(fixtures, pattern, SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal)
        .Select(ReadFile);

    private static byte[] ReadFile(string path)
    {
        if (!path.EndsWith(".gz", StringComparison.Ordinal)) return File.ReadAllBytes(path);
        using var stream = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    private static IEnumerable<byte[]> GgufSeeds(string fixtures) =>
        Accepted(Path.Combine(fixtures, "gguf", "corrupt-gguf"))
            .Concat(Directory.EnumerateFiles(Path.Combine(fixtures, "gguf"), "*.gguf").Order(StringComparer.Ordinal).Select(File.ReadAllBytes))
            .Append(TinyModel.Gguf(quantized: false)).Append(TinyModel.Gguf(quantized: true));

    private static IEnumerable<byte[]> SafetensorsSeeds(string fixtures) =>
        Accepted(Path.Combine(fixtures, "gguf", "corrupt-safetensors")).Concat(Files(Path.Combine(fixtures, "models"), "model*.safetensors"));

    // The valid ones among the files that show what is not.
    private static IEnumerable<byte[]> Accepted(string folder)
    {
        using var index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "index.json")));
        return [.. from file in index.RootElement.GetProperty("files").EnumerateArray()
                   where file.GetProperty("expect").GetString() == "accept"
                   select File.ReadAllBytes(Path.Combine(folder, file.GetProperty("file").GetString()!))];
    }

    private static void ReadGguf(string path, FuzzRead read)
    {
        using var file = GgufFile.Open(path);
        read.HeaderPassed = true;
        foreach (var value in file.Metadata.Values)
        {
            _ = value.ToString();
            if (value.Type == GgufValueType.Array) foreach (var item in value.Items.Take(100)) _ = item.ToString();
        }

        foreach (var tensor in file.Tensors.Values) Decode(tensor);
        TryAll(read, () => Use(Tokenizer.FromGguf(file)), () => Run(ModelWeights.Bind(file), read.Random));
    }

    // Reads one file in several ways: a refusal of one must not hide the others.
    private static void TryAll(FuzzRead read, params ReadOnlySpan<Action> readings)
    {
        var faults = new List<MalformedFileException>();
        foreach (var reading in readings)
        {
            try
            {
                reading();
            }
            catch (MalformedFileException e)
            {
                faults.Add(e);
            }
        }

        if (faults.Count > 0) throw faults[read.Random.Next(faults.Count)];
    }

    private static void Use(Tokenizer tokenizer) => _ = tokenizer.Decode(tokenizer.Encode(SampleText));

    private static void Run(ModelWeights weights, Random random)
    {
        if (weights.ParameterCount > MostElements || random.Next(4) != 0) return;
        using var model = new FalconMambaModel(weights, new ModelOptions { Threads = 1, Exact = random.Next(2) == 0 });
        using var state = model.CreateState();
        model.Forward([new Chunk(state, new[] { 0, model.Config.VocabSize - 1 })], new float[model.Config.VocabSize]);
    }

    private static void ReadSafetensors(string path, FuzzRead read)
    {
        using var file = SafetensorsFile.Open(path);
        read.HeaderPassed = true;
        foreach (var tensor in file.InFileOrder) Decode(tensor);
    }

    private static void Decode(Tensor tensor)
    {
        if (tensor.ElementCount > MostElements) return;
        try
        {
            _ = tensor.ToSingle();
        }
        catch (NotSupportedException)
        {
            // A type that is only known by name.
        }
    }

    private static FuzzTarget Index(string model, string folder)
    {
        foreach (var shard in Directory.EnumerateFiles(model, "*.safetensors")) File.Copy(shard, Path.Combine(folder, Path.GetFileName(shard)));
        var index = File.ReadAllBytes(Path.Combine(model, SafetensorsCheckpoint.IndexName));
        return new FuzzTarget("index", Path.Combine(folder, SafetensorsCheckpoint.IndexName), [new JsonMutator(index)], static (path, read) =>
        {
            read.HeaderPassed = IsJson(path);
            SafetensorsCheckpoint.Open(path).Dispose();
        });
    }

    private static void ReadConfig(string path, FuzzRead read)
    {
        read.HeaderPassed = IsJson(path);
        TryAll(read, () => _ = GenerationConfig.FromFile(path).Complete(), () => _ = FalconMambaConfig.FromFile(path).ToJson());
    }

    private static void ReadTokenizer(string path, FuzzRead read)
    {
        read.HeaderPassed = IsJson(path);
        TryAll(
            read,
            () => Use(Tokenizer.FromFile(path)),
            () => Use(Tokenizer.FromFile(path, TokenizerConfig.Parse(File.ReadAllBytes(path), path))));
    }

    // What a template may use is small here, so that thousands fit a minute.
    private static void ReadTemplate(string path, FuzzRead read)
    {
        try
        {
            var template = ChatTemplate.Parse(File.ReadAllText(path));
            read.HeaderPassed = true;
            _ = template.Render(
                [new ChatMessage("system", "s"), new ChatMessage("user", SampleText), new ChatMessage("assistant", "a"), new ChatMessage("user", "u")],
                new ChatTemplateOptions { AddGenerationPrompt = true, Limits = new ChatTemplateLimits { MaxBuilt = 1 << 19, MaxLength = 1 << 18, MaxSteps = 50_000 } });
        }
        catch (ChatTemplateException e)
        {
            throw new MalformedFileException(path, $"line {e.Line}", e.Detail, e);
        }
    }

    private static bool IsJson(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>States of one model: fresh, and after some tokens.</summary>
    private sealed class StateTarget
    {
        private readonly FalconMambaModel _model;

        public StateTarget(string folder, string inputs)
        {
            _model = FalconMambaModel.Load(folder, new ModelOptions { Threads = 1 });
            InputPath = Path.Combine(inputs, "state.safetensors");
            using var state = _model.CreateState();
            Seeds.Add(Save(state));
            _model.Forward([new Chunk(state, new[] { 1, 2, 3, 4, 5 })], new float[_model.Config.VocabSize]);
            Seeds.Add(Save(state));
        }

        public string InputPath { get; }

        public List<byte[]> Seeds { get; } = [];

        public void Read(string path, FuzzRead read)
        {
            SafetensorsFile.Open(path).Dispose();
            read.HeaderPassed = true;
            try
            {
                using var state = StateFile.Read(path, _model, out _);
                _model.Forward([new Chunk(state, new[] { 1 })], new float[_model.Config.VocabSize]);
            }
            catch (StateMismatchException)
            {
                // Another fingerprint is another model's state.
            }
        }

        private byte[] Save(RecurrentState state)
        {
            state.Save(InputPath, new Dictionary<string, string> { ["note"] = "a" });
            return File.ReadAllBytes(InputPath);
        }
    }
}
