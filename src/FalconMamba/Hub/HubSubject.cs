using System.Net;
using System.Net.Http.Headers;

namespace FalconMamba.Hub;

/// <summary>What a request is about, and the sentences that tell why it failed.</summary>
/// <param name="Id">The model.</param>
/// <param name="Revision">The branch, tag or commit.</param>
/// <param name="File">The file, or null for the model itself.</param>
internal sealed record HubSubject(HubModelId Id, string Revision, string? File = null)
{
    private const string ErrorCode = "X-Error-Code", CommitName = "X-Repo-Commit";

    /// <summary>The error that an answer tells.</summary>
    /// <param name="response">An answer that is no success.</param>
    /// <param name="hub">The hub's address, for the pages to visit.</param>
    /// <param name="hasToken">Whether the request went with a token.</param>
    /// <param name="now">The time, for a date in <c>Retry-After</c>.</param>
    public HubException Fault(HttpResponseMessage response, Uri hub, bool hasToken, DateTimeOffset now)
    {
        var host = response.RequestMessage!.RequestUri!.Authority;
        var code = Header(response.Headers, ErrorCode);
        var wait = Wait(response.Headers.RetryAfter, now);
        return response.StatusCode switch
        {
            HttpStatusCode.TooManyRequests => new HubException(
                HubProblem.TooManyRequests,
                $"{host} wants fewer requests{(hasToken ? "" : "; it allows more with a token, in HF_TOKEN")}: run this again in some minutes, it goes on where it stopped.")
            {
                IsTransient = true,
                RetryAfter = wait,
            },
            HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError => new HubException(
                HubProblem.BadAnswer, $"{host} has a fault of its own ({(int)response.StatusCode}): run this again later, it goes on where it stopped.")
            {
                IsTransient = true,
                RetryAfter = wait,
            },

            // The addresses of other hosts are signed and expire; the hub gives new ones.
            _ when host != hub.Authority => new HubException(
                HubProblem.BadAnswer, $"{host} does not give {File ?? Id.ToString()} ({(int)response.StatusCode}): run this again later.")
            {
                IsTransient = true,
            },
            _ when code == "GatedRepo" => new HubException(
                HubProblem.Gated,
                $"{Id} asks for its terms to be accepted: accept them on {PageOf(hub)}, "
                + (hasToken ? "with the account of your token, then run this again." : "then give a token of your account in HF_TOKEN.")),
            _ when code == "RevisionNotFound" => new HubException(
                HubProblem.RevisionNotFound, $"{Id} has no revision {Revision}: see its branches, tags and commits on {PageOf(hub)}/tree/main."),
            _ when code == "EntryNotFound" => new HubException(
                HubProblem.FileNotFound, $"{Id} has no file {File} at revision {Revision}: see its files on {PageOf(hub)}/tree/{Revision}.")
            {
                Commit = Header(response.Headers, CommitName),
            },
            HttpStatusCode.Unauthorized when code != "RepoNotFound" => new HubException(
                HubProblem.Unauthorized,
                hasToken ? $"{host} does not accept the token: make a new one on {new Uri(hub, "settings/tokens")} and give it in HF_TOKEN." : $"{host} asks for a token to read {Id}: give one in HF_TOKEN."),
            HttpStatusCode.Forbidden => new HubException(
                HubProblem.Unauthorized, $"{host} does not let you read {Id}: give a token that may read it in HF_TOKEN, see {new Uri(hub, "settings/tokens")}."),
            HttpStatusCode.Unauthorized or HttpStatusCode.NotFound => new HubException(
                HubProblem.RepositoryNotFound,
                $"There is no model {Id} on {host}, or it is private: check the name, {(hasToken ? "and that your token may read it" : "or give a token that may read it in HF_TOKEN")}{Id.Hint}."),
            _ => new HubException(HubProblem.BadAnswer, $"{host} answered {(int)response.StatusCode} where {File ?? Id.ToString()} was expected: check that HF_ENDPOINT is the address of a hub."),
        };
    }

    /// <summary>The error that a connection which cannot be made, or breaks, leads to.</summary>
    public HubException Broken(Uri address, Exception reason)
    {
        var error = reason is HttpRequestException request ? request.HttpRequestError : HttpRequestError.Unknown;
        return new HubException(
            HubProblem.Unreachable,
            error switch
            {
                HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.ProxyTunnelError =>
                    $"{address.Authority} cannot be reached: check the connection, or set HF_HUB_OFFLINE=1 to do with the models in the cache{Id.Hint}.",
                HttpRequestError.SecureConnectionError => $"{address.Authority} cannot be reached safely ({reason.InnerException?.Message ?? reason.Message}): check the clock and the certificates of this machine.",
                _ => $"The connection to {address.Authority} broke again and again while {File ?? Id.ToString()} was fetched: run this again, it goes on where it stopped.",
            },
            reason)
        {
            // A name that nobody knows, or a wrong certificate, stays so.
            IsTransient = error is not (HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError),
        };
    }

    /// <summary>The first value of a header, or null.</summary>
    public static string? Header(HttpHeaders headers, string name) => headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private static TimeSpan? Wait(RetryConditionHeaderValue? value, DateTimeOffset now) =>
        value?.Delta ?? (value?.Date is { } date ? date > now ? date - now : TimeSpan.Zero : null);

    private Uri PageOf(Uri hub) => new(hub, Id.ToString());
}
