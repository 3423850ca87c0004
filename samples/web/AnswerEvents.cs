using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace FalconMamba.Samples.Web;

/// <summary>A model's answer as server-sent events: a <c>piece</c> of text as often as there is one, then <c>done</c> or <c>error</c>.</summary>
internal sealed partial class AnswerEvents(IChatClient client, IConfiguration configuration, IHostApplicationLifetime lifetime, ILogger<AnswerEvents> logger)
{
    private const string Piece = "piece";

    private readonly ChatOptions _options = new() { MaxOutputTokens = configuration.GetValue("tokens", 200), Temperature = 0.7f };

    /// <summary>Answers a message.</summary>
    /// <param name="message">What the user says.</param>
    /// <param name="browserLeft">Stops the model at its next token.</param>
    public async IAsyncEnumerable<SseItem<string>> Answer(string message, [EnumeratorCancellation] CancellationToken browserLeft)
    {
        // A server that closes waits for its requests, which therefore end now.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(browserLeft, lifetime.ApplicationStopping);
        await using var pieces = Pieces(message, stop.Token).GetAsyncEnumerator(stop.Token);
        SseItem<string> item;
        do yield return item = await Next(pieces, browserLeft);
        while (item.EventType == Piece);
    }

    // An exception in here would cut the connection in the middle, and the page could not tell that from an end.
    private async ValueTask<SseItem<string>> Next(IAsyncEnumerator<string> pieces, CancellationToken browserLeft)
    {
        try
        {
            return await pieces.MoveNextAsync() ? new(pieces.Current, Piece) : new("", "done");
        }
        catch (Exception e) when (!browserLeft.IsCancellationRequested)
        {
            if (lifetime.ApplicationStopping.IsCancellationRequested) return new("The server is closing.", "error");
            Failed(e);
            return new("No answer could be made; the server's log tells why.", "error");
        }
    }

    private async IAsyncEnumerable<string> Pieces(string message, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var update in client.GetStreamingResponseAsync(message, _options, cancellationToken))
            if (update.Text.Length > 0) yield return update.Text;
    }

    [LoggerMessage(LogLevel.Error, "An answer failed.")]
    private partial void Failed(Exception exception);
}
