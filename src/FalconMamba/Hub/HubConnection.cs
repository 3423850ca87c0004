using System.Net;
using System.Net.Http.Headers;

namespace FalconMamba.Hub;

/// <summary>
/// Sends requests, one try each. The token goes to the hub's own scheme, host and port and nowhere else: redirects are followed
/// here, for the runtime would send it along.
/// </summary>
internal sealed class HubConnection : IDisposable
{
    private const int MostRedirects = 10;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly ProductInfoHeaderValue Agent = new("falcon-mamba", typeof(HubConnection).Assembly.GetName().Version?.ToString(3));

    private readonly HubOptions _options;
    private readonly HttpClient _client;
    private readonly TimeProvider _time;

    public HubConnection(HubOptions options, HttpMessageHandler? handler, TimeProvider time)
    {
        _options = options;
        _time = time;
        _client = new HttpClient(
            handler ?? new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = ConnectTimeout, PooledConnectionLifetime = TimeSpan.FromMinutes(5) },
            disposeHandler: handler is null)
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _client.DefaultRequestHeaders.UserAgent.Add(Agent);
    }

    /// <summary>Whether an address is the hub's own.</summary>
    public bool IsHub(Uri address) => Uri.Compare(address, _options.Endpoint, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    /// <summary>An address below the hub's.</summary>
    public Uri AddressOf(string path) => new($"{_options.Endpoint.AbsoluteUri.TrimEnd('/')}/{path}");

    /// <summary>Asks for a whole answer or a part of one.</summary>
    /// <param name="address">Where.</param>
    /// <param name="subject">What it is about.</param>
    /// <param name="from">The first byte that is wanted.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <returns>An answer of success, or 416; its body is still to be read.</returns>
    /// <exception cref="HubException">There is another answer, or none.</exception>
    public Task<HttpResponseMessage> GetAsync(Uri address, HubSubject subject, long from, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, address, subject, from, static _ => true, cancellationToken);

    /// <summary>Asks for a file's headers.</summary>
    /// <returns>The hub's own answer, which may be a redirect to another host that says which content is there.</returns>
    /// <inheritdoc cref="GetAsync"/>
    public Task<HttpResponseMessage> HeadAsync(Uri address, HubSubject subject, Func<HttpResponseMessage, bool> isComplete, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Head, address, subject, 0, response => IsHub(Target(response)) || !isComplete(response), cancellationToken);

    /// <summary>Where a redirect leads.</summary>
    public static Uri Target(HttpResponseMessage response) => new(response.RequestMessage!.RequestUri!, response.Headers.Location!);

    /// <summary>Whether an answer leads elsewhere.</summary>
    public static bool IsRedirect(HttpResponseMessage response) => (int)response.StatusCode is 301 or 302 or 303 or 307 or 308 && response.Headers.Location is not null;

    public void Dispose() => _client.Dispose();

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, Uri address, HubSubject subject, long from, Func<HttpResponseMessage, bool> follows, CancellationToken cancellationToken)
    {
        for (var redirects = 0; ; redirects++)
        {
            var response = await SendOnceAsync(method, address, subject, from, cancellationToken).ConfigureAwait(false);
            try
            {
                if (IsRedirect(response))
                {
                    var target = Target(response);
                    if (target.Scheme is not ("http" or "https") || (address.Scheme == "https" && target.Scheme == "http"))
                        throw new HubException(HubProblem.BadAnswer, $"{address.Authority} leads to {target.Scheme}://{target.Authority}, which is not encrypted: it is not followed, check HF_ENDPOINT.");
                    if (!follows(response)) return response;
                    if (redirects == MostRedirects) throw new HubException(HubProblem.BadAnswer, $"{address.Authority} leads in a circle: run this again later.");
                    address = target;
                }
                else if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
                {
                    return response;
                }
                else
                {
                    throw subject.Fault(response, _options.Endpoint, _options.Token is not null, _time.GetUtcNow());
                }
            }
            catch
            {
                response.Dispose();
                throw;
            }

            response.Dispose();
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpMethod method, Uri address, HubSubject subject, long from, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, address);

        // Lengths and ranges are those of the files, not of what they were packed to.
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        if (from > 0) request.Headers.Range = new RangeHeaderValue(from, null);
        if (_options.Token is { } token && IsHub(address)) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var stall = new StallGuard(_options.StallTimeout, _time, cancellationToken);
        try
        {
            var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stall.Token).ConfigureAwait(false);
            response.RequestMessage ??= request;
            return response;
        }
        catch (Exception e) when (StallGuard.IsBroken(e, cancellationToken))
        {
            throw subject.Broken(address, e);
        }
    }
}
