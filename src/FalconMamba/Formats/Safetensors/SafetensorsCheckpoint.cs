namespace FalconMamba.Formats.Safetensors;

/// <summary>
/// All tensors of a checkpoint in one or several safetensors files, as <c>save_pretrained</c> lays them out:
/// <c>model.safetensors</c>, or shards named by <c>model.safetensors.index.json</c>.
/// </summary>
public sealed class SafetensorsCheckpoint : IDisposable
{
    /// <summary>The name of an unsharded checkpoint's file.</summary>
    public const string WeightsName = "model.safetensors";

    /// <summary>The name of a sharded checkpoint's index.</summary>
    public const string IndexName = "model.safetensors.index.json";

    private static readonly string[] PyTorchNames = ["pytorch_model.bin", "pytorch_model.bin.index.json"];

    private SafetensorsCheckpoint(IReadOnlyList<SafetensorsFile> files, IReadOnlyDictionary<string, Tensor> tensors)
    {
        Files = files;
        Tensors = tensors;
        ByteLength = files.Sum(file => file.InFileOrder.Sum(tensor => tensor.ByteLength));
    }

    /// <summary>The files the tensors lie in, ordered by name.</summary>
    public IReadOnlyList<SafetensorsFile> Files { get; }

    /// <summary>The tensors of all files by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors { get; }

    /// <summary>The bytes of all tensors, without headers.</summary>
    public long ByteLength { get; }

    /// <summary>Opens every file of a checkpoint.</summary>
    /// <param name="path">A folder, a safetensors file, or an index (<c>*.index.json</c>).</param>
    /// <exception cref="MalformedFileException">A file is malformed, or the index and the shards disagree.</exception>
    /// <exception cref="FileNotFoundException">There are no weights to read; the message says what was looked for.</exception>
    /// <exception cref="IOException">A file is missing or cannot be mapped.</exception>
    public static SafetensorsCheckpoint Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var file = Directory.Exists(path) ? FindWeights(path) : path;
        return file.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase) ? OpenShards(file) : OpenSingle(file);
    }

    /// <summary>Unmaps every file; the tensors can no longer be read.</summary>
    public void Dispose() => DisposeAll(Files);

    private static string FindWeights(string folder)
    {
        foreach (var name in (ReadOnlySpan<string>)[WeightsName, IndexName])
            if (Path.Combine(folder, name) is var found && File.Exists(found)) return found;
        throw new FileNotFoundException(Array.Find(PyTorchNames, name => File.Exists(Path.Combine(folder, name))) is { } pickled
            ? $"{folder} holds its weights as {pickled}, which is not read because it can run code: look for a copy with safetensors files, or load it with transformers and write it anew with save_pretrained."
            : $"{folder} holds no weights: neither {WeightsName} nor {IndexName} was found.");
    }

    private static SafetensorsCheckpoint OpenSingle(string path)
    {
        var file = SafetensorsFile.Open(path);
        return new SafetensorsCheckpoint([file], file.Tensors);
    }

    private static SafetensorsCheckpoint OpenShards(string indexPath)
    {
        var index = SafetensorsIndex.Open(indexPath);
        var folder = Path.GetDirectoryName(indexPath) ?? "";
        var files = new List<SafetensorsFile>();
        try
        {
            var tensors = new Dictionary<string, Tensor>();
            foreach (var shard in index.Shards)
            {
                var path = Path.Combine(folder, shard);
                if (!File.Exists(path)) throw new MalformedFileException(indexPath, $"shard {Excerpt.Of(shard)}", "the file was expected beside the index, it is missing");
                var file = SafetensorsFile.Open(path);
                files.Add(file);
                foreach (var tensor in file.InFileOrder)
                {
                    if (!tensors.TryAdd(tensor.Name, tensor))
                        throw new MalformedFileException(path, $"tensor {Excerpt.Of(tensor.Name)}", "a tensor was expected in one shard only, an earlier shard holds it too");
                }
            }

            foreach (var (name, shard) in index.WeightMap)
            {
                if (!tensors.TryGetValue(name, out var tensor) || Path.GetFileName(tensor.Owner!.Path) != shard)
                    throw new MalformedFileException(Path.Combine(folder, shard), $"tensor {Excerpt.Of(name)}", $"{Path.GetFileName(indexPath)} says the tensor is in this file, it is not");
            }

            return new SafetensorsCheckpoint(files, tensors);
        }
        catch
        {
            DisposeAll(files);
            throw;
        }
    }

    private static void DisposeAll(IEnumerable<SafetensorsFile> files)
    {
        foreach (var file in files) file.Dispose();
    }
}
