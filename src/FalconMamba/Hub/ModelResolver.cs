namespace FalconMamba.Hub;

/// <summary>
/// Finds a model by whatever a user calls it: a folder, a GGUF file, the name of one that ships, or an id on the hub,
/// <c>owner/name</c>, with <c>@revision</c> and <c>/file.gguf</c> behind it where there is a choice. The first that is there wins.
/// </summary>
public static class ModelResolver
{
    private const string GgufExtension = ".gguf";

    /// <summary>Finds a model without asking the hub.</summary>
    /// <param name="model">What the user calls it.</param>
    /// <param name="cache">Where downloaded models are; null for the cache that the environment names.</param>
    /// <param name="needsWeights">Whether a model of which the cache has only a part is refused; false where a tokenizer is enough.</param>
    /// <returns>The path of a folder or a GGUF file.</returns>
    /// <exception cref="FileNotFoundException">There is no such model; the message says where to get one.</exception>
    /// <exception cref="HubException">The model in the cache is not whole.</exception>
    public static string Resolve(string model, HubCache? cache = null, bool needsWeights = true)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        if (FindLocal(model) is { } path) return path;
        cache ??= new HubCache(HubOptions.FromEnvironment());
        return HubReference.TryParse(model, out var reference) && FindCached(reference, cache, needsWeights) is { } snapshot ? snapshot : throw Missing(model, reference, cache);
    }

    /// <summary>Finds a model, and downloads it if it is neither on this machine nor in the cache.</summary>
    /// <param name="model">What the user calls it.</param>
    /// <param name="client">The hub to ask.</param>
    /// <param name="select">Chooses the files that are worth their download, such as <see cref="ModelFiles.OfModel"/>.</param>
    /// <param name="revision">A branch, a tag or a commit on the hub; null for the one in <paramref name="model"/>, or <c>main</c>.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <returns>The path of a folder or a GGUF file.</returns>
    /// <exception cref="FileNotFoundException">There is no such model, and the name is no id.</exception>
    /// <exception cref="HubException">The model cannot be downloaded.</exception>
    public static async Task<string> ResolveAsync(
        string model,
        HubClient client,
        Func<HubModel, IReadOnlyCollection<HubFile>> select,
        string? revision = null,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(select);
        if (FindLocal(model) is { } path) return path;
        if (!HubReference.TryParse(model, out var reference)) throw Missing(model, null, client.Cache);
        if (revision is not null) reference = reference with { Revision = revision };

        // What is in the cache is used as it is: 'pull' is how to get what is new. Older tools left no list of the files.
        var known = client.Cache.Find(reference.Id, reference.Revision);
        var listed = known is null ? null : client.Cache.Of(reference.Id).ReadTree(known.Commit) ?? (known.HasWeights ? known.AsListed() : null);
        var found = listed is null
            ? await client.GetModelAsync(reference.Id, reference.Revision, cancellationToken).ConfigureAwait(false)
            : new HubModel(reference.Id, reference.Revision ?? RepositoryPath.DefaultRevision, known!.Commit, listed);
        var files = reference.File is { } file ? ModelFiles.Matching(found, [file], []) : select(found);
        await client.DownloadAsync(found, files, progress, cancellationToken).ConfigureAwait(false);
        return reference.PathIn(client.Cache.Find(reference.Id, found.Commit)!);
    }

    private static string? FindLocal(string model)
    {
        if (Directory.Exists(model) || (IsGguf(model) && File.Exists(model))) return model;
        return File.Exists(model)
            ? throw new FileNotFoundException($"{model} is a file, but no {GgufExtension} file: give the folder with the model's config.json and safetensors files.", model)
            : ShippedModels.Find(model);
    }

    private static string? FindCached(HubReference reference, HubCache cache, bool needsWeights)
    {
        if (cache.Find(reference.Id, reference.Revision) is not { } revision) return null;
        if (needsWeights && reference.File is null && revision.Missing is [var missing, ..])
        {
            throw new HubException(
                HubProblem.NotCached, $"{reference.Id} is in the cache without {missing}: fetch the rest with 'falcon-mamba pull {reference.PullArguments}'.");
        }

        var path = reference.PathIn(revision);
        return reference.File is null || RepositoryFolder.Content(path) is not null ? path : null;
    }

    private static FileNotFoundException Missing(string model, HubReference? reference, HubCache cache)
    {
        var kind = IsGguf(model) ? "file" : "folder";
        var isPath = IsGguf(model) && reference?.File is null;
        if (reference?.Id.Owner is not null && !isPath)
        {
            return new FileNotFoundException(
                $"There is no {kind} {model}, and no model {reference.Id} in the cache {cache.Folder}: fetch it with 'falcon-mamba pull {reference.PullArguments}', or check the path.", model);
        }

        var names = ShippedModels.Names;
        return new FileNotFoundException(
            $"There is no {kind} {model} and no shipped model of that name: give a folder, a {GgufExtension} file or a model on the hub, owner/name"
            + (names.Count > 0 ? $", or one of {string.Join(", ", names)}." : $" (no model ships here; {ShippedModels.Variable} may name a folder of them)."),
            model);
    }

    private static bool IsGguf(string model) => model.EndsWith(GgufExtension, StringComparison.OrdinalIgnoreCase);
}
