using System.Runtime.InteropServices;

namespace FalconMamba.Cli.Chat;

/// <summary>Ctrl-C while a chat runs: it stops the answer if there is one, and else, like a termination signal, ends the chat.</summary>
internal sealed class ChatInterrupts : IDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _leaving;
    private readonly PosixSignalRegistration[] _signals = [];
    private CancellationTokenSource? _answer;

    /// <param name="handlesSignals">Whether to listen for signals.</param>
    /// <param name="cancellationToken">Ends the chat too.</param>
    public ChatInterrupts(bool handlesSignals, CancellationToken cancellationToken)
    {
        _leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (handlesSignals) _signals = [PosixSignalRegistration.Create(PosixSignal.SIGINT, OnInterrupt), PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnTermination)];
    }

    /// <summary>Cancelled when the chat is to end.</summary>
    public CancellationToken Leaving => _leaving.Token;

    /// <summary>Gives an answer that Ctrl-C stops.</summary>
    /// <typeparam name="T">What is answered.</typeparam>
    /// <param name="answer">Takes the cancellation of the answer.</param>
    public T During<T>(Func<CancellationToken, T> answer)
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(_leaving.Token);
        lock (_lock) _answer = source;
        try
        {
            return answer(source.Token);
        }
        finally
        {
            lock (_lock) _answer = null;
        }
    }

    public void Dispose()
    {
        foreach (var signal in _signals) signal.Dispose();
        _leaving.Dispose();
    }

    private void OnInterrupt(PosixSignalContext context)
    {
        context.Cancel = true;
        lock (_lock) (_answer is { IsCancellationRequested: false } answer ? answer : _leaving).Cancel();
    }

    private void OnTermination(PosixSignalContext context)
    {
        context.Cancel = true;
        _leaving.Cancel();
    }
}
