namespace FalconMamba.Hub;

/// <summary>Chooses the files of a repository that are worth their download.</summary>
public static class ModelFiles
{
    private const string Safetensors = ".safetensors", Index = ".safetensors.index.json", Gguf = ".gguf";
    private const string WholeWeights = "model" + Safetensors, ShardedWeights = "model" + Index;

    // In the order of a repository's page: configuration, tokenizer, templates, card and licence.
    private static readonly FilePatterns Companions = new(
    [
        "config.json", "generation_config.json",
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
        "chat_template.jinja", "chat_template.json", "additional_chat_templates/*.jinja",
        "README.md", "LICEN[CS]E*", "NOTICE*", "USE_POLICY*", "*_USE_POLICY*",
    ]);

    /// <summary>
    /// What a model needs: its configuration, tokenizer, card, licence, and its weights as safetensors, or else its one GGUF
    /// file. Other frameworks' weights, optimizer states and pictures stay where they are.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <returns>The files, in the repository's order.</returns>
    /// <exception cref="HubException">There are no weights that are read, or several GGUF files to choose from.</exception>
    public static IReadOnlyList<HubFile> OfModel(HubModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (Weights(model.Files) is { } weights) return [.. model.Files.Where(file => weights.Contains(file) || IsCompanion(file))];
        return model.Files.Where(file => HasEnd(file, Gguf)).ToArray() switch
        {
            [var only] => [.. model.Files.Where(file => file == only || IsCompanion(file))],
            [] => throw WithoutWeights(model),
            var several => throw new HubException(
                HubProblem.Unsuitable,
                $"{model.Id} holds {several.Length} GGUF files: choose with --include, for example --include {Smallest(several)} (the others: {Names(several.Where(file => file.Path != Smallest(several)))})."),
        };
    }

    /// <summary>What a tokenizer needs, and no weights.</summary>
    /// <param name="model">The model.</param>
    /// <returns>The files, in the repository's order.</returns>
    public static IReadOnlyList<HubFile> OfTokenizer(HubModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return [.. model.Files.Where(IsCompanion)];
    }

    /// <summary>The files that patterns choose: <c>*</c> stands for anything, slashes too, <c>?</c> for one character.</summary>
    /// <param name="model">The model.</param>
    /// <param name="include">Files that match one of these; where none is given, what a model needs.</param>
    /// <param name="exclude">But none of these.</param>
    /// <returns>The files, in the repository's order.</returns>
    /// <exception cref="HubException">No file is left.</exception>
    public static IReadOnlyList<HubFile> Matching(HubModel model, IReadOnlyCollection<string> include, IReadOnlyCollection<string> exclude)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(include);
        ArgumentNullException.ThrowIfNull(exclude);
        var (included, excluded) = (new FilePatterns(include), new FilePatterns(exclude));
        var candidates = include.Count > 0 ? model.Files.Where(file => included.IsAny(file.Path)) : OfModel(model);
        HubFile[] chosen = [.. candidates.Where(file => !excluded.IsAny(file.Path))];
        return chosen.Length > 0
            ? chosen
            : throw new HubException(HubProblem.FileNotFound, $"No file of {model.Id} is chosen by these patterns: it has {Names(model.Files)}.");
    }

    /// <summary>The files of the safetensors weights that are loaded, or null if there are none.</summary>
    internal static IReadOnlyList<HubFile>? Weights(IReadOnlyList<HubFile> files)
    {
        if (files.FirstOrDefault(file => file.Path == WholeWeights) is { } whole) return [whole];
        var stem = files.Any(file => file.Path == ShardedWeights) ? "model" : "";
        HubFile[] found = [.. files.Where(file => !file.Path.Contains('/', StringComparison.Ordinal)
            && file.Path.StartsWith(stem, StringComparison.Ordinal)
            && (HasEnd(file, Safetensors) || HasEnd(file, Index)))];
        return found.Any(file => HasEnd(file, Safetensors)) ? found : null;
    }

    private static HubException WithoutWeights(HubModel model) => new(
        HubProblem.Unsuitable,
        model.Files.Any(file => Path.GetExtension(file.Path) is ".bin" or ".pt" or ".pth" or ".ckpt")
            ? $"{model.Id} has its weights only in PyTorch's format, which is not read because it can run code: look for a revision or a copy with safetensors or GGUF files, or load it with transformers and write it anew with save_pretrained."
            : $"{model.Id} holds no weights that are read, neither safetensors nor GGUF files: look for another model, or choose files with --include.");

    private static bool IsCompanion(HubFile file) =>
        (!file.Path.Contains('/', StringComparison.Ordinal) || file.Path.EndsWith(".jinja", StringComparison.Ordinal)) && Companions.IsAny(file.Path);

    private static bool HasEnd(HubFile file, string end) => file.Path.EndsWith(end, StringComparison.OrdinalIgnoreCase);

    private static string Smallest(IEnumerable<HubFile> files) => files.MinBy(file => file.Size)!.Path;

    private static string Names(IEnumerable<HubFile> files) => string.Join(", ", files.Select(file => file.Path));
}
