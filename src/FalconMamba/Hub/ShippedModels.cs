namespace FalconMamba.Hub;

/// <summary>
/// The small checkpoints that come with the software, found by name in a <c>models</c> folder: beside the program, then in
/// the folders of <c>FALCON_MAMBA_MODELS</c>, then in the current folder and those above it.
/// </summary>
public static class ShippedModels
{
    /// <summary>The environment variable with further folders of models, separated as in <c>PATH</c>.</summary>
    public const string Variable = "FALCON_MAMBA_MODELS";

    private const string FolderName = "models", ConfigName = "config.json";

    /// <summary>The names of all models that are found, each once, in ordinal order.</summary>
    public static IReadOnlyList<string> Names => [.. Places()
        .Where(Directory.Exists)
        .SelectMany(Directory.EnumerateDirectories)
        .Where(IsModel)
        .Select(folder => Path.GetFileName(folder))
        .Distinct()
        .Order(StringComparer.Ordinal)];

    /// <summary>The folder of a model that ships, or null if none has the name.</summary>
    /// <param name="model">The name.</param>
    public static string? Find(string model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return IsName(model) ? Places().Select(place => Path.Combine(place, model)).FirstOrDefault(IsModel) : null;
    }

    private static bool IsName(string model) => model is not ("" or "." or "..") && Path.GetFileName(model) == model && !model.Contains('\0', StringComparison.Ordinal);

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
