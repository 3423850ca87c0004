using System.Threading.Channels;
using FalconMamba.Generation;

namespace FalconMamba.Engine;

/// <summary>A token of a stream.</summary>
/// <param name="Id">The token; a stop id is the last of its stream.</param>
/// <param name="Text">The text that is certain since it came, with the last token all that was held back; empty without a tokenizer.</param>
/// <param name="Details">What the options ask to be kept of it; null if it is nothing.</param>
public readonly record struct GeneratedToken(int Id, string Text, TokenDetails? Details);

/// <summary>
/// The tokens of one request as they come, for one reader. Who stops reading cancels the request. Reading never runs on the
/// engine's thread, and a slow reader holds nobody else up: after <see cref="BatchEngineOptions.StreamCapacity"/> tokens its
/// own stream pauses.
/// </summary>
public sealed class GeneratedTokens : IAsyncEnumerable<GeneratedToken>
{
    private readonly BatchEngine _engine;
    private readonly int _capacity;
    private readonly Channel<GeneratedToken> _channel;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationToken _cancellationToken;
    private CancellationTokenRegistration _registration;
    private volatile bool _cancelled;

    internal GeneratedTokens(BatchEngine engine, int capacity, CancellationToken cancellationToken)
    {
        (_engine, _capacity, _cancellationToken) = (engine, capacity, cancellationToken);
        _channel = Channel.CreateBounded<GeneratedToken>(new BoundedChannelOptions(capacity) { SingleReader = true, SingleWriter = true });
    }

    /// <summary>
    /// Ends when the engine has let go of the request and its state: cancelled, or with its exception, where it was. The end
    /// of the engine cancels.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <summary>Why the stream ended; none while it goes on, and where it was cut off.</summary>
    public FinishReason FinishReason { get; internal set; }

    /// <summary>The stop string that ended it; null where none did.</summary>
    public string? StopString { get; internal set; }

    /// <summary>How many of the prompt's tokens are read, the kept ones included.</summary>
    public int PromptTokensRead { get; internal set; }

    /// <summary>How many of the prompt's tokens were kept from earlier requests, so that they were not read again.</summary>
    public int CachedTokens { get; internal set; }

    /// <summary>Whether the request was cancelled.</summary>
    internal bool IsCancelled => _cancelled;

    /// <summary>Whether there is room for one more token.</summary>
    internal bool HasRoom => _channel.Reader.Count < _capacity;

    /// <summary>Ends the request: at once where it waits, else after the step that runs.</summary>
    public void Cancel()
    {
        if (_cancelled || Completion.IsCompleted) return;
        _cancelled = true;
        _engine.WakeForCancelled(this);
    }

    /// <summary>Reads the tokens, once.</summary>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="OperationCanceledException">The request was cancelled, or the engine disposed.</exception>
    public async IAsyncEnumerator<GeneratedToken> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        using var registration = cancellationToken.UnsafeRegister(static tokens => ((GeneratedTokens)tokens!).Cancel(), this);
        try
        {
            // No token here: its end comes through the engine, and a wait that cannot be cancelled allocates nothing.
            while (!_cancelled && await _channel.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
            {
                while (!_cancelled && _channel.Reader.TryRead(out var token))
                {
                    if (_channel.Reader.Count >= _capacity - 1) _engine.Wake();
                    yield return token;
                }
            }

            await Completion.ConfigureAwait(false);
        }
        finally
        {
            // Here too when the reader has stopped: the state is free when this returns.
            Cancel();
            await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Cancels with the caller's token from here on.</summary>
    internal void Watch() => _registration = _cancellationToken.UnsafeRegister(static tokens => ((GeneratedTokens)tokens!).Cancel(), this);

    /// <summary>Lets the engine look again at what it can do.</summary>
    internal void WakeEngine() => _engine.Wake();

    /// <summary>Hands a token to the reader; there is room for it.</summary>
    internal void Write(in GeneratedToken token) => _channel.Writer.TryWrite(token);

    /// <summary>Ends the stream.</summary>
    /// <param name="failure">Why; null where it came to its end, or was cancelled.</param>
    /// <param name="cancelled">Whether it was cut off.</param>
    internal void Complete(Exception? failure, bool cancelled)
    {
        _registration.Unregister();
        if (failure is not null) _completion.TrySetException(failure);
        // Who cancels at the last moment may have left tokens unread.
        else if (cancelled || _cancelled) _completion.TrySetCanceled(_cancellationToken.IsCancellationRequested ? _cancellationToken : CancellationToken.None);
        else _completion.TrySetResult();
        _channel.Writer.TryComplete();
    }
}
