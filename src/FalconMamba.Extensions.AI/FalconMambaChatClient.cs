using System.Runtime.CompilerServices;
using FalconMamba.Extensions.AI.Chat;
using FalconMamba.Extensions.AI.Observation;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace FalconMamba.Extensions.AI;

/// <summary>
/// Chats with a model on this machine. Safe for concurrent use: requests share the model's steps, and each has a state of its
/// own. Nothing is kept between requests but where <see cref="FalconMambaOptions.ConversationBytes"/> says so.
/// </summary>
public sealed class FalconMambaChatClient : IChatClient
{
    private readonly FalconMambaEngine _engine;
    private readonly ChatClientMetadata _metadata;
    private readonly ClientRequests _requests;

    /// <summary>A client of an engine.</summary>
    /// <param name="engine">The engine, which stays its owner's.</param>
    public FalconMambaChatClient(FalconMambaEngine engine)
        : this(engine, ownsEngine: false)
    {
    }

    private FalconMambaChatClient(FalconMambaEngine engine, bool ownsEngine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        _engine = engine;
        _metadata = new ChatClientMetadata(GenAiNames.Provider, defaultModelId: engine.ModelId);
        _requests = new ClientRequests(engine, ownsEngine, nameof(FalconMambaChatClient));
    }

    /// <summary>Loads a model for one client, which closes it when it is disposed.</summary>
    /// <param name="model"><inheritdoc cref="FalconMambaOptions.Model" path="/summary"/></param>
    /// <param name="loggers">Makes the logger; null for none.</param>
    /// <exception cref="FileNotFoundException">There is no such model, or a file of it is missing.</exception>
    /// <exception cref="Hub.HubException">The model in the cache is not whole.</exception>
    /// <exception cref="MalformedFileException">A file is malformed.</exception>
    public static FalconMambaChatClient Load(string model, ILoggerFactory? loggers = null) =>
        new(FalconMambaEngine.Load(new FalconMambaOptions { Model = model }, loggers), ownsEngine: true);

    /// <inheritdoc/>
    /// <exception cref="UnsupportedOptionException">An option cannot be honoured.</exception>
    /// <exception cref="NotSupportedException">A message holds something other than text and calls.</exception>
    /// <exception cref="InvalidOperationException">The model has no chat template.</exception>
    /// <exception cref="ChatTemplates.ChatTemplateException">The model's chat template refuses the conversation.</exception>
    /// <exception cref="Engine.EngineBusyException">As many requests wait as may.</exception>
    /// <exception cref="ObjectDisposedException">The client or its engine is disposed, or was while the request ran.</exception>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    /// <remarks>Who stops enumerating stops the model at its next token.</remarks>
    /// <inheritdoc cref="GetResponseAsync" path="/exception"/>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        _requests.ThrowIfDisposed();
        return AnswerAsync(ChatRequest.Read(this, _engine, messages, options), cancellationToken);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        return serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : _engine.GetService(serviceType);
    }

    /// <summary>Ends the client's requests at their next token with an <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose() => _requests.Dispose();

    private async IAsyncEnumerable<ChatResponseUpdate> AnswerAsync(ChatRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var operation = _engine.Instruments.Start(GenAiNames.Chat, Guid.NewGuid().ToString("N"));
        using var cancellation = _requests.Link(cancellationToken);
        var answer = new ChatAnswer(_engine, request, operation);
        // Rendering and encoding take the longer the longer the conversation: neither the caller nor the engine waits for it.
        var begin = Task.Run(() => answer.Begin(cancellation.Token), cancellation.Token);
        Task work = begin;
        try
        {
            await _requests.Finish(begin, cancellationToken).ConfigureAwait(false);
            var tokens = await begin.ConfigureAwait(false);
            work = tokens.Completion;
            await foreach (var token in _requests.Read(tokens, cancellationToken).ConfigureAwait(false))
            {
                foreach (var update in answer.Read(token)) yield return update;
            }

            foreach (var update in answer.End(tokens)) yield return update;
        }
        finally
        {
            // Here too when the consumer has stopped: the state is free when this returns.
            await cancellation.CancelAsync().ConfigureAwait(false);
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            operation.End(work);
        }
    }
}
