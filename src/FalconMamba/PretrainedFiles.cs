using FalconMamba.Hub;

namespace FalconMamba;

/// <summary>Finds what a pretrained model's name stands for, and downloads it where it is not on this machine.</summary>
internal static class PretrainedFiles
{
    private const string TokenizerFile = "tokenizer.json";

    /// <summary><see cref="ModelResolver.ResolveAsync"/> on the hub that is given, or else on the one that the environment names.</summary>
    public static async Task<string> FindAsync(
        string model,
        Func<HubModel, IReadOnlyCollection<HubFile>> select,
        string? revision,
        HubClient? hub,
        IProgress<HubProgress>? progress,
        CancellationToken cancellationToken)
    {
        if (hub is not null) return await ModelResolver.ResolveAsync(model, hub, select, revision, progress, cancellationToken).ConfigureAwait(false);
        using var client = new HubClient();
        return await ModelResolver.ResolveAsync(model, client, select, revision, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What a tokenizer needs: its own files, or the GGUF file that it is in.</summary>
    public static IReadOnlyCollection<HubFile> OfTokenizer(HubModel model) =>
        model.Files.Any(file => file.Path == TokenizerFile) ? ModelFiles.OfTokenizer(model) : ModelFiles.OfModel(model);
}
