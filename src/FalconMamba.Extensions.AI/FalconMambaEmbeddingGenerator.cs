using FalconMamba.Extensions.AI.Observation;
using FalconMamba.Model;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace FalconMamba.Extensions.AI;

/// <summary>
/// Embeds texts as hidden rows of a model, after its last norm and not normalised otherwise: the last row, or the mean of all.
/// Safe for concurrent use: requests wait their turn between the engine's steps.
/// </summary>
public sealed class FalconMambaEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly FalconMambaEngine _engine;
    private readonly EmbeddingGeneratorMetadata _metadata;
    private readonly ClientRequests _requests;
    private readonly EmbeddingPooling _pooling;

    /// <summary>A generator of an engine.</summary>
    /// <param name="engine">The engine, which stays its owner's.</param>
    /// <param name="pooling">Which rows count; null for what the engine's options say.</param>
    public FalconMambaEmbeddingGenerator(FalconMambaEngine engine, EmbeddingPooling? pooling = null)
        : this(engine, pooling, ownsEngine: false)
    {
    }

    private FalconMambaEmbeddingGenerator(FalconMambaEngine engine, EmbeddingPooling? pooling, bool ownsEngine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        _engine = engine;
        _pooling = pooling ?? engine.Options.Pooling;
        _metadata = new EmbeddingGeneratorMetadata(GenAiNames.Provider, defaultModelId: engine.ModelId, defaultModelDimensions: engine.Model.Config.HiddenSize);
        _requests = new ClientRequests(engine, ownsEngine, nameof(FalconMambaEmbeddingGenerator));
    }

    /// <summary>Loads a model for one generator, which closes it when it is disposed.</summary>
    /// <param name="model"><inheritdoc cref="FalconMambaOptions.Model" path="/summary"/></param>
    /// <param name="pooling">Which rows count.</param>
    /// <param name="loggers">Makes the logger; null for none.</param>
    /// <inheritdoc cref="FalconMambaChatClient.Load" path="/exception"/>
    public static FalconMambaEmbeddingGenerator Load(string model, EmbeddingPooling pooling = EmbeddingPooling.Mean, ILoggerFactory? loggers = null) =>
        new(FalconMambaEngine.Load(new FalconMambaOptions { Model = model }, loggers), pooling, ownsEngine: true);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A text has no tokens.</exception>
    /// <exception cref="UnsupportedOptionException">An option cannot be honoured.</exception>
    /// <exception cref="Engine.EngineBusyException">As many requests wait as may.</exception>
    /// <exception cref="ObjectDisposedException">The generator or its engine is disposed, or was while the request ran.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        Refuse(options);
        string[] texts = [.. values];
        using var operation = _engine.Instruments.Start(GenAiNames.Embeddings);
        using var cancellation = _requests.Link(cancellationToken);
        var embeddings = new GeneratedEmbeddings<Embedding<float>>(texts.Length);
        // Encoding takes the longer the longer the texts: neither the caller nor the engine waits for it.
        var work = Task.Run(() => EmbedAsync(texts, embeddings, operation, cancellation.Token), cancellation.Token);
        try
        {
            await _requests.Finish(work, cancellationToken).ConfigureAwait(false);
            return embeddings;
        }
        finally
        {
            operation.End(work);
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        return serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : _engine.GetService(serviceType);
    }

    /// <summary>Ends the generator's requests with an <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose() => _requests.Dispose();

    private void Refuse(EmbeddingGenerationOptions? options)
    {
        if (options is null) return;
        var size = _engine.Model.Config.HiddenSize;
        if (options.ModelId is { } id && id != _engine.ModelId)
            throw new UnsupportedOptionException(nameof(options.ModelId), $"ModelId is {id}, and this generator has {_engine.ModelId}: leave it out, or ask the other model's generator.");
        if (options.Dimensions is { } dimensions && dimensions != size)
            throw new UnsupportedOptionException(nameof(options.Dimensions), $"Dimensions is {dimensions}, and the model's rows have {size}: leave it out.");
        if (options.RawRepresentationFactory is not null)
            throw new UnsupportedOptionException(nameof(options.RawRepresentationFactory), "Embeddings have no options of their own: leave RawRepresentationFactory out.");
        if (options.AdditionalProperties?.Keys.FirstOrDefault() is { } key)
            throw new UnsupportedOptionException(key, $"There is no additional property {key}: leave it out.");
    }

    private async Task EmbedAsync(string[] texts, GeneratedEmbeddings<Embedding<float>> embeddings, Operation operation, CancellationToken cancellationToken)
    {
        using var state = _engine.Model.CreateState();
        var now = DateTimeOffset.UtcNow;
        var tokens = 0L;
        for (var i = 0; i < texts.Length; i++)
        {
            var ids = _engine.Tokenizer.Encode(texts[i]);
            if (ids.Length == 0) throw new ArgumentException($"Text {i} has no tokens: leave it out.");
            state.Reset();
            var vector = await EmbedAsync(state, ids, cancellationToken).ConfigureAwait(false);
            embeddings.Add(new Embedding<float>(vector) { ModelId = _engine.ModelId, CreatedAt = now });
            operation.InputTokens = tokens += ids.Length;
        }

        embeddings.Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens };
    }

    // In parts, so that memory does not depend on the text, and streams have a step between them.
    private async Task<float[]> EmbedAsync(RecurrentState state, int[] ids, CancellationToken cancellationToken)
    {
        var size = _engine.Model.Config.HiddenSize;
        var part = Math.Min(ids.Length, _engine.Options.PrefillChunkSize);
        var isLast = _pooling == EmbeddingPooling.Last;
        var rows = new float[(isLast ? 1 : part) * size];
        var sums = new double[size];
        for (var start = 0; start < ids.Length; start += part)
        {
            var next = ids.AsMemory(start, Math.Min(part, ids.Length - start));
            var chunk = new Chunk(state, next) { Logits = RowSelection.None, Hidden = isLast ? RowSelection.Last : RowSelection.All };
            await _engine.Batch.RunAsync(token => _engine.Model.Forward([chunk], [], rows, cancellationToken: token), cancellationToken).ConfigureAwait(false);
            if (isLast) continue;
            for (var i = 0; i < next.Length * size; i++) sums[i % size] += rows[i];
        }

        return isLast ? rows : Array.ConvertAll(sums, sum => (float)(sum / ids.Length));
    }
}
