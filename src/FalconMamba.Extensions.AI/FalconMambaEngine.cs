using System.Diagnostics.Metrics;
using FalconMamba.Engine;
using FalconMamba.Extensions.AI.Chat;
using FalconMamba.Extensions.AI.Observation;
using FalconMamba.Generation;
using FalconMamba.Hub;
using FalconMamba.Model;
using FalconMamba.Tokenization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FalconMamba.Extensions.AI;

/// <summary>
/// A model, its tokenizer, and the <see cref="BatchEngine"/> that computes with them: what chat clients and embedding generators
/// share. Safe for concurrent use: requests that come together are answered together.
/// </summary>
public sealed class FalconMambaEngine : IDisposable
{
    /// <summary>Makes an engine of a model, which it owns from here on.</summary>
    /// <param name="model">The model; <see cref="Dispose"/> closes it.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="options">What the model is called, and what holds where requests say nothing.</param>
    /// <param name="generation">What the model's files say about generating; null for nothing.</param>
    /// <param name="loggers">Makes the logger; null for none.</param>
    /// <param name="meters">Makes the meter; null for one of the engine's own.</param>
    public FalconMambaEngine(
        IModelRunner model, Tokenizer tokenizer, FalconMambaOptions options, GenerationConfig? generation = null, ILoggerFactory? loggers = null, IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(options);
        Model = model;
        Tokenizer = tokenizer;
        Options = options;
        ModelId = options.ModelId ?? NameOf(options.Model);
        Generation = generation ?? new GenerationConfig();
        Logger = (ILogger?)loggers?.CreateLogger<FalconMambaEngine>() ?? NullLogger.Instance;
        Instruments = new GenAiInstruments(ModelId, Logger, meters);
        Tools = new ToolTemplate(tokenizer, ModelId);
        Conversations = options.ConversationBytes > 0 ? new Conversations(model, options) : null;
        Batch = new BatchEngine(model, tokenizer, BatchOptions(options, Conversations), $"falcon-mamba {ModelId}");
    }

    /// <summary>The model.</summary>
    public IModelRunner Model { get; }

    /// <summary>Its tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>What the model is called.</summary>
    public string ModelId { get; }

    /// <summary>What the model's files say about generating.</summary>
    public GenerationConfig Generation { get; }

    /// <summary>What answers requests, for work that is no chat; it ends with this engine.</summary>
    public BatchEngine Batch { get; }

    internal FalconMambaOptions Options { get; }

    /// <summary>What was said before; null where nothing is kept of it.</summary>
    internal Conversations? Conversations { get; }

    /// <summary>What the chat template says of tools.</summary>
    internal ToolTemplate Tools { get; }

    internal ILogger Logger { get; }

    internal GenAiInstruments Instruments { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="options">Which one, and how it runs.</param>
    /// <param name="loggers">Makes the logger; null for none.</param>
    /// <param name="meters">Makes the meter; null for one of the engine's own.</param>
    /// <exception cref="FileNotFoundException">There is no such model, or a file of it is missing.</exception>
    /// <exception cref="HubException">The model in the cache is not whole.</exception>
    /// <exception cref="MalformedFileException">A file is malformed.</exception>
    public static FalconMambaEngine Load(FalconMambaOptions options, ILoggerFactory? loggers = null, IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var path = ModelResolver.Resolve(options.Model);
        var tokenizer = Tokenizer.Load(path);
        var generation = GenerationConfig.FromFolder(path);
        var model = FalconMambaModel.Load(path, new ModelOptions
        {
            Threads = options.Threads,
            PrefillChunkSize = options.PrefillChunkSize,
            Deterministic = options.Deterministic,
            Exact = options.Exact,
        });
        try
        {
            return new FalconMambaEngine(model, tokenizer, options, generation, loggers, meters);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Ends all requests at their next token with an <see cref="ObjectDisposedException"/>, then closes the model.</summary>
    public void Dispose()
    {
        Batch.Dispose();
        Conversations?.Dispose();
        Model.Dispose();
        Instruments.Dispose();
    }

    /// <summary>The model, its tokenizer or an engine, where one of them is of a type.</summary>
    internal object? GetService(Type type) => new object[] { this, Batch, Model, Tokenizer }.FirstOrDefault(type.IsInstanceOfType);

    private static BatchEngineOptions BatchOptions(FalconMambaOptions options, Conversations? conversations) => new()
    {
        MaxRunning = options.MaxRunningRequests,
        MaxWaiting = options.MaxWaitingRequests,
        MaxPromptTokens = options.PrefillChunkSize,
        Prefixes = conversations?.States,
    };

    // What is on this machine has a path, which is nobody else's business.
    private static string NameOf(string model) =>
        Directory.Exists(model) || File.Exists(model) ? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model))) : model;
}
