using FalconMamba.Engine;
using FalconMamba.Model;

namespace FalconMamba.Extensions.AI;

/// <summary>Which model runs, and how.</summary>
public sealed class FalconMambaOptions
{
    /// <summary>How many tokens an answer has at most unless a request or the model's files say otherwise.</summary>
    public const int DefaultMaxOutputTokens = 1024;

    /// <summary>A model's folder, a GGUF file, the name of a model that ships, or an id on the hub that was pulled.</summary>
    public string Model { get; set; } = "";

    /// <summary>What the model is called in responses, measurements and requests; null for its id, or its folder's or file's name.</summary>
    public string? ModelId { get; set; }

    /// <inheritdoc cref="ModelOptions.Threads"/>
    public int Threads { get; set; }

    /// <inheritdoc cref="ModelOptions.PrefillChunkSize"/>
    public int PrefillChunkSize { get; set; } = ModelOptions.DefaultPrefillChunkSize;

    /// <inheritdoc cref="ModelOptions.Deterministic"/>
    public bool Deterministic { get; set; }

    /// <inheritdoc cref="ModelOptions.Exact"/>
    public bool Exact { get; set; }

    /// <inheritdoc cref="BatchEngineOptions.MaxRunning"/>
    public int MaxRunningRequests { get; set; } = 32;

    /// <inheritdoc cref="BatchEngineOptions.MaxWaiting"/>
    public int MaxWaitingRequests { get; set; } = 256;

    /// <summary>
    /// How many bytes of states are kept of conversations; 0 for none. Where there are some, each answer has a conversation id,
    /// and a request with it goes on behind that answer: it gives new messages only, and nothing before them is read again
    /// that is still kept. Text takes up to an eighth as much again.
    /// </summary>
    public long ConversationBytes { get; set; }

    /// <summary>How many tokens an answer has at most where neither the request nor the model's files say it.</summary>
    public int MaxOutputTokens { get; set; } = DefaultMaxOutputTokens;

    /// <summary>Which of a text's hidden rows its embedding is.</summary>
    public EmbeddingPooling Pooling { get; set; }

    /// <summary>Whether logs at the level Trace may hold prompts and answers. Without it no text of a user is ever logged.</summary>
    public bool EnableSensitiveData { get; set; }
}
