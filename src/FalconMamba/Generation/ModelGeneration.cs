using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Generation;

/// <summary>Generating with a model in one call, as transformers' <c>generate</c> does.</summary>
public static class ModelGeneration
{
    /// <summary>Goes on with a prompt.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">The prompt's ids.</param>
    /// <param name="options">How to generate; null for the defaults, which take the likeliest tokens up to a length of 20.</param>
    /// <param name="tokenizer">The model's tokenizer; stop strings need it.</param>
    /// <param name="progress">Told how many tokens of the prompt are read.</param>
    /// <param name="cancellationToken">Looked at before every token and inside long prompts.</param>
    /// <returns>Prompt and answer, for each sequence asked for.</returns>
    /// <exception cref="ArgumentException">
    /// The prompt is empty or too long, a token is not in the vocabulary, or a setting would have no effect.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static int[][] Generate(
        this IModelRunner model,
        ReadOnlyMemory<int> prompt,
        GenerationOptions? options = null,
        Tokenizer? tokenizer = null,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default) => model.GenerateInDetail(prompt, options, tokenizer, progress, cancellationToken).Sequences;

    /// <summary>The same, with why each sequence ended, its text, and what the options ask to be kept of its tokens.</summary>
    /// <inheritdoc cref="Generate"/>
    /// <returns>The sequences.</returns>
    public static GenerationOutput GenerateInDetail(
        this IModelRunner model,
        ReadOnlyMemory<int> prompt,
        GenerationOptions? options = null,
        Tokenizer? tokenizer = null,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new GenerationOptions();
        if (tokenizer is null && !options.StopStrings.IsEmpty) throw new ArgumentException("stop_strings need the tokenizer: give it.", nameof(tokenizer));
        using var state = model.CreateState();
        var batch = new SequenceBatch(model, options, tokenizer);
        return new GenerationOutput { Prompt = prompt, Answers = batch.Run(state, prompt, progress, cancellationToken) };
    }

    /// <summary>Goes on with a prompt and gives the ids as they come; the prompt is not among them.</summary>
    /// <inheritdoc cref="Generate"/>
    /// <returns>The generated ids, a stop id included.</returns>
    public static IEnumerable<int> GenerateStream(
        this IModelRunner model,
        ReadOnlyMemory<int> prompt,
        GenerationOptions? options = null,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (options is { StopStrings.IsEmpty: false })
            throw new ArgumentException("stop_strings need text, and this is a stream of ids: use a TextGenerator.", nameof(options));
        return Stream(model, new TokenGenerator(model, options), prompt, progress, cancellationToken);
    }

    private static IEnumerable<int> Stream(
        IModelRunner model, TokenGenerator generator, ReadOnlyMemory<int> prompt, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        using var owned = generator;
        using var state = model.CreateState();
        foreach (var id in generator.Generate(state, prompt, progress: progress, cancellationToken: cancellationToken)) yield return id;
    }
}
