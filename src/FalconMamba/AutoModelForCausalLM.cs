using FalconMamba.Generation;
using FalconMamba.Hub;
using FalconMamba.Model;

namespace FalconMamba;

/// <summary>Loads a language model by its name, as the class of this name in transformers does.</summary>
public static class AutoModelForCausalLM
{
    /// <inheritdoc cref="FromPretrainedAsync"/>
    public static PretrainedModel FromPretrained(string model, PretrainedOptions? options = null, IProgress<HubProgress>? progress = null) =>
        FromPretrainedAsync(model, options, progress).GetAwaiter().GetResult();

    /// <summary>
    /// Loads a model: a folder in Hugging Face layout, a GGUF file, the name of a model that ships, or an id on the hub,
    /// <c>owner/name</c>, <c>owner/name@revision</c> or <c>owner/name/file.gguf</c>, which is downloaded if it is not there yet.
    /// </summary>
    /// <param name="model">The folder, the file, the name or the id.</param>
    /// <param name="options">How it is found and run; null for the defaults.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Cancels; what was downloaded stays for the next time.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of bounds; nothing was downloaded.</exception>
    /// <exception cref="FileNotFoundException">There is no such model.</exception>
    /// <exception cref="HubException">The model cannot be downloaded.</exception>
    /// <exception cref="MalformedFileException">A file does not hold what it should.</exception>
    /// <exception cref="NotSupportedException">The weights are quantised in a way that cannot be read.</exception>
    /// <exception cref="InvalidOperationException">A number is too large for float16.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public static async Task<PretrainedModel> FromPretrainedAsync(
        string model, PretrainedOptions? options = null, IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new PretrainedOptions();
        var modelOptions = options.ToModelOptions();
        var path = await PretrainedFiles.FindAsync(model, ModelFiles.OfModel, options.Revision, options.Hub, progress, cancellationToken).ConfigureAwait(false);
        var generation = GenerationConfig.FromFolder(path);
        var weights = ModelWeights.Open(path);
        try
        {
            if (options.Dtype.Matrices() is { } type) weights = await weights.ConvertMatricesAsync(type, cancellationToken).ConfigureAwait(false);
            return new PretrainedModel(new FalconMambaModel(weights, modelOptions), path) { GenerationConfig = generation };
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }
}
