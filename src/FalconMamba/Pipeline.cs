using FalconMamba.Hub;
using FalconMamba.Tokenization;

namespace FalconMamba;

/// <summary>Model and tokenizer for one task, as <c>pipeline</c> of transformers makes them.</summary>
public static class Pipeline
{
    /// <summary>Loads a model and its tokenizer for generating text.</summary>
    /// <inheritdoc cref="AutoModelForCausalLM.FromPretrained"/>
    public static TextGenerationPipeline TextGeneration(string model, PretrainedOptions? options = null, IProgress<HubProgress>? progress = null) =>
        TextGenerationAsync(model, options, progress).GetAwaiter().GetResult();

    /// <summary>A model and a tokenizer that are there, for generating text.</summary>
    /// <param name="model">The model, disposed with the pipeline.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    public static TextGenerationPipeline TextGeneration(PretrainedModel model, Tokenizer tokenizer) => new(model, tokenizer);

    /// <summary>Loads a model and its tokenizer for generating text.</summary>
    /// <inheritdoc cref="AutoModelForCausalLM.FromPretrainedAsync"/>
    public static async Task<TextGenerationPipeline> TextGenerationAsync(
        string model, PretrainedOptions? options = null, IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var loaded = await AutoModelForCausalLM.FromPretrainedAsync(model, options, progress, cancellationToken).ConfigureAwait(false);
        try
        {
            // The same files, whatever has become of the name since.
            return new TextGenerationPipeline(loaded, Tokenizer.Load(loaded.Path));
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }
}
