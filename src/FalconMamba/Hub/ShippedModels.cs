namespace FalconMamba.Hub;

/// <summary>
/// The small checkpoints that come with the software, found by name in a <c>models</c> folder: beside the program, then in
/// the folders of <c>FALCON_MAMBA_MODELS</c>, then in the current folder and those above it.
/// </summary>
public static class ShippedModels
{
    /// <summary>The environment variable with further folders of models, separated as in <c>PATH</c>.</summary>
    public const string Variable = "FALCON_MAMBA_MODELS";

    private const string FolderName = "models", ConfigName = "config.json", GgufExtension = ".gguf";

    /// <summary>The names of all models that are found, each once, in ordinal order.</summary>
    public static IReadOnlyList<string> Names => [.. Places()
        .Where(Directory.Exists)
        .SelectMany(Directory.EnumerateDirectories)
        .Where(IsModel)
        .Select(folder => Path.GetFileName(folder))
        .Distinct()
        .Order(StringComparer.Ordinal)];

    /// <summary>Finds a model.</summary>
    /// <param name="model">A folder, a GGUF file, or the name of a model that ships. A folder or file of that name wins.</param>
    /// <returns>The path of the folder or file.</returns>
    /// <exception cref="FileNotFoundException">There is no such folder or model; the message lists the models that ship.</exception>
    public static string Resolve(string model)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        if (Directory.Exists(model) || (IsGguf(model) && File.Exists(model))) return model;
        if (IsName(model) && Places().Select(place => Path.Combine(place, model)).FirstOrDefault(IsModel) is { } folder) return folder;
        if (File.Exists(model)) throw new FileNotFoundException($"{model} is a file, but no {GgufExtension} file: give the folder with the model's {ConfigName} and safetensors files.", model);
        var names = Names;
        throw new FileNotFoundException(
            $"There is no {(IsGguf(model) ? "file" : "folder")} {model} and no shipped model of that name: give a folder or a {GgufExtension} file"
            + (names.Count > 0 ? $", or one of {string.Join(", ", names)}." : $" (no model ships here; {Variable} may name a folder of them)."),
            model);
    }

    private static bool IsGguf(string model) => model.EndsWith(GgufExtension, StringComparison.OrdinalIgnoreCase);

    private static bool IsName(string model) => model is not ("." or "..") && Path.GetFileName(model) == model && !model.Contains('\0', StringComparison.Ordinal);

    private static bool IsModel(string folder) => File.Exists(Path.Combine(folder, ConfigName));

    private static IEnumerable<string> Places()
    {
        yield return Path.Combine(AppContext.BaseDirectory, FolderName);
        var given = Environment.GetEnvironmentVariable(Variable) ?? "";
        foreach (var place in given.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)) yield return place;
        for (var folder = new DirectoryInfo(Directory.GetCurrentDirectory()); folder is not null; folder = folder.Parent)
            yield return Path.Combine(folder.FullName, FolderName);
    }
}
