using System.Collections.Concurrent;

namespace FalconMamba.Tests.Hub;

/// <summary>A request as a stub sees it.</summary>
public sealed record StubRequest(string Method, Uri Address, string? Authorization, long From)
{
    /// <summary>Path and query.</summary>
    public string Target => Address.PathAndQuery;

    public override string ToString() => $"{Method} {Address}{(From > 0 ? $" from {From}" : "")}";
}

/// <summary>What a stub answers.</summary>
public sealed record StubResponse(int Status, byte[] Body)
{
    public static StubResponse Of(int status) => new(status, []);

    public Dictionary<string, string> Headers { get; init; } = [];

    /// <summary>The connection breaks after so many bytes of the body.</summary>
    public int? CutAfter { get; init; }

    public StubResponse With(string header, string value) => this with { Headers = new(Headers) { [header] = value } };
}

/// <summary>Answers a client's requests without a network, and keeps them.</summary>
public sealed class StubHandler(Func<StubRequest, StubResponse> answer) : HttpMessageHandler
{
    private readonly ConcurrentQueue<StubRequest> _requests = new();

    public IReadOnlyCollection<StubRequest> Requests => _requests;

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var seen = new StubRequest(request.Method.Method, request.RequestUri!, request.Headers.Authorization?.ToString(), request.Headers.Range?.Ranges.Single().From ?? 0);
        _requests.Enqueue(seen);
        var answered = answer(seen);
        var response = new HttpResponseMessage((System.Net.HttpStatusCode)answered.Status)
        {
            RequestMessage = request,
            Content = new StreamContent(seen.Method == "HEAD" ? Stream.Null : new CutStream(answered.Body, answered.CutAfter)),
        };
        if (seen.Method != "HEAD") response.Content.Headers.ContentLength = answered.Body.Length;
        foreach (var (name, value) in answered.Headers.Where(header => seen.Method == "HEAD" || header.Key != "Content-Length"))
            if (!response.Headers.TryAddWithoutValidation(name, value)) response.Content.Headers.TryAddWithoutValidation(name, value);
        return Task.FromResult(response);
    }

    private sealed class CutStream(byte[] body, int? cutAfter) : MemoryStream(cutAfter is { } length ? body[..length] : body)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            cutAfter is null || Position < Length ? base.ReadAsync(buffer, cancellationToken) : throw new IOException("The connection was cut.");
    }
}
