using FalconMamba.Hub;
using FalconMamba.Tokenization;

namespace FalconMamba;

/// <summary>Loads a tokenizer by its model's name, as the class of this name in transformers does.</summary>
public static class AutoTokenizer
{
    /// <inheritdoc cref="FromPretrainedAsync"/>
    public static Tokenizer FromPretrained(string model, string? revision = null, HubClient? hub = null) =>
        FromPretrainedAsync(model, revision, hub).GetAwaiter().GetResult();

    /// <summary>Loads the tokenizer of a model; of one on the hub only what it needs is downloaded.</summary>
    /// <param name="model">What <see cref="AutoModelForCausalLM.FromPretrained"/> takes.</param>
    /// <param name="revision">A branch, a tag or a commit of a model on the hub; null for <c>main</c>, or for the one behind the id's <c>@</c>.</param>
    /// <param name="hub">The hub to ask; null for the one that the environment names.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Cancels; what was downloaded stays for the next time.</param>
    /// <exception cref="FileNotFoundException">There is no such model, or it has no tokenizer.json.</exception>
    /// <exception cref="HubException">The files cannot be downloaded.</exception>
    /// <exception cref="MalformedFileException">A file does not hold what it should.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public static async Task<Tokenizer> FromPretrainedAsync(
        string model, string? revision = null, HubClient? hub = null, IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Tokenizer.Load(await PretrainedFiles.FindAsync(model, PretrainedFiles.OfTokenizer, revision, hub, progress, cancellationToken).ConfigureAwait(false));
}
