using FalconMamba.Hub;

namespace FalconMamba.Tests.Hub;

/// <summary>Downloads when nothing goes wrong, and what the hub refuses.</summary>
public class HubClientTests
{
    [Fact]
    public async Task A_model_comes_with_what_it_needs_and_nothing_else()
    {
        using var bench = new HubBench();
        bench.Hub.Files["pytorch_model.bin"] = bench.Hub.Files["optimizer.pt"] = [1, 2, 3];
        var reports = new List<HubProgress>();
        var snapshot = await bench.PullAsync(new Collector(reports));
        bench.AssertWhole(snapshot);
        Assert.Equal(["README.md", "config.json", "model.safetensors"], Directory.EnumerateFiles(snapshot).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var total = bench.Hub.Files["config.json"].Length + bench.Hub.Files["README.md"].Length + 100_000;
        Assert.Equal(new HubProgress(total, total, 3, 3), reports[^1]);
        Assert.Equal(reports.Select(report => report.Bytes).Order(), reports.Select(report => report.Bytes));
        Assert.Equal(StubHub.Commit, File.ReadAllText(bench["models--owner--name/refs/main"]));
        Assert.Empty(bench.Time.Waits);
    }

    [Fact]
    public async Task What_is_here_is_not_asked_for_again()
    {
        using var bench = new HubBench();
        await bench.PullAsync();
        var before = bench.Handler.Requests.Count;
        await bench.PullAsync();
        Assert.Equal(["GET http://hub.test/api/models/owner/name/revision/main"], bench.Handler.Requests.Skip(before).Select(request => request.ToString()));
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_and_to_no_other_host()
    {
        using var bench = new HubBench();
        bench.Options = bench.Options with { Token = StubHub.Token };
        var snapshot = await bench.PullAsync(HubModelId.Parse("owner/private"));
        Assert.Equal(bench.Hub.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(snapshot, "model.safetensors")));
        Assert.Contains(bench.Handler.Requests, request => request.Address.Host == "cdn.test");
        Assert.All(bench.Handler.Requests, request => Assert.Equal(request.Address.Host == "hub.test" ? $"Bearer {StubHub.Token}" : null, request.Authorization));
        Assert.DoesNotContain(StubHub.Token, bench.Options.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://evil.test/cdn/model.safetensors", null)]
    [InlineData("http://hub.test:8080/cdn/model.safetensors", null)]
    [InlineData("https://hub.test/cdn/model.safetensors", null)]
    [InlineData("http://hub.test.evil.test/cdn/model.safetensors", null)]
    [InlineData("/cdn/model.safetensors", "Bearer " + StubHub.Token)]
    public async Task Only_the_same_scheme_host_and_port_is_the_hub(string location, string? authorization)
    {
        using var bench = new HubBench();
        bench.Options = bench.Options with { Token = StubHub.Token };
        bench.Hub.Fault = request => request is { Method: "HEAD" } && request.Target.EndsWith("model.safetensors", StringComparison.Ordinal) && request.Target.Contains("/resolve/", StringComparison.Ordinal)
            ? bench.Hub.Usual(request).With("Location", location)
            : request.Target.StartsWith("/cdn/", StringComparison.Ordinal) && request.Method == "HEAD"
                ? bench.Hub.Usual(request).With("X-Repo-Commit", StubHub.Commit).With("ETag", $"\"{StubHub.Sha256(bench.Hub.Files["model.safetensors"])}\"")
                : null;
        bench.AssertWhole(await bench.PullAsync());
        Assert.All(bench.Handler.Requests.Where(request => request.Target.StartsWith("/cdn/", StringComparison.Ordinal)), request => Assert.Equal(authorization, request.Authorization));
    }

    [Fact]
    public async Task A_hub_that_leads_from_https_to_http_is_not_followed()
    {
        using var bench = new HubBench();
        bench.Options = bench.Options with { Endpoint = new Uri("https://hub.test") };
        Assert.Contains("not encrypted", (await bench.FailAsync(HubProblem.BadAnswer)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("owner/missing", HubProblem.RepositoryNotFound, "check the name")]
    [InlineData("owner/private", HubProblem.RepositoryNotFound, "HF_TOKEN")]
    [InlineData("owner/gated", HubProblem.Gated, "http://hub.test/owner/gated")]
    public async Task What_the_hub_refuses_is_told_with_what_to_do(string id, HubProblem problem, string part)
    {
        using var bench = new HubBench();
        Assert.Contains(part, (await bench.FailAsync(problem, id)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_is_not_accepted_is_told()
    {
        using var bench = new HubBench();
        bench.Options = bench.Options with { Token = "hf_old" };
        bench.Hub.Fault = _ => StubResponse.Of(401);
        var error = await bench.FailAsync(HubProblem.Unauthorized);
        Assert.Contains("settings/tokens", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_old", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Revisions_and_files_that_are_not_there_are_told()
    {
        using var bench = new HubBench();
        using var client = bench.Client();
        Assert.Equal(HubProblem.RevisionNotFound, (await Assert.ThrowsAsync<HubException>(() => client.GetModelAsync(HubBench.Id, "v2"))).Problem);
        Assert.Equal(HubProblem.RevisionNotFound, (await Assert.ThrowsAsync<HubException>(() => client.GetModelAsync(HubBench.Id, "../../etc"))).Problem);
        Assert.Equal("v1", (await client.GetModelAsync(HubBench.Id, "v1")).Revision);
        Assert.Equal(HubProblem.FileNotFound, (await Assert.ThrowsAsync<HubException>(() => client.DownloadFileAsync(HubBench.Id, "none.json"))).Problem);
        Assert.True(File.Exists(bench[$"models--owner--name/.no_exist/{StubHub.Commit}/none.json"]));
    }

    [Fact]
    public async Task Offline_only_the_cache_counts()
    {
        using var bench = new HubBench();
        var online = bench.Options;
        bench.Options = online with { Offline = true };
        Assert.Contains("HF_HUB_OFFLINE", (await bench.FailAsync(HubProblem.NotCached)).Message, StringComparison.Ordinal);
        bench.Options = online;
        var snapshot = await bench.PullAsync();
        var before = bench.Handler.Requests.Count;
        bench.Options = online with { Offline = true };
        Assert.Equal(snapshot, await bench.PullAsync());
        File.Delete(Path.Combine(snapshot, "model.safetensors"));
        Assert.Contains("model.safetensors", (await bench.FailAsync(HubProblem.NotCached)).Message, StringComparison.Ordinal);
        Assert.Equal(before, bench.Handler.Requests.Count);
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("a/../../evil")]
    [InlineData("/etc/evil")]
    [InlineData("a//b")]
    [InlineData("..\\evil")]
    [InlineData("a\u0000b")]
    public async Task A_file_name_that_leads_out_of_its_folder_is_refused(string name)
    {
        using var bench = new HubBench();
        bench.Hub.Files[name] = [1];
        await bench.FailAsync(HubProblem.BadAnswer);
        Assert.False(Directory.Exists(bench["models--owner--name"]));
    }

    [Theory]
    [InlineData("ETag", "\"../../evil\"")]
    [InlineData("ETag", "\"\"")]
    [InlineData("X-Repo-Commit", "../../../evil")]
    [InlineData("X-Repo-Commit", "")]
    public async Task A_tag_or_commit_that_could_lead_out_of_the_cache_is_refused(string header, string value)
    {
        using var bench = new HubBench();
        bench.Hub.Fault = request => request.Method == "HEAD" ? bench.Hub.Usual(request).With(header, value).With("X-Linked-Etag", value) : null;
        await bench.FailAsync(HubProblem.BadAnswer);
    }

    [Theory]
    [InlineData("<html>sign in</html>")]
    [InlineData("[]")]
    [InlineData("{\"sha\": \"main\"}")]
    [InlineData("{\"sha\": 7}")]
    public async Task An_answer_that_is_no_hubs_is_told(string body)
    {
        using var bench = new HubBench();
        bench.Hub.Fault = _ => new StubResponse(200, System.Text.Encoding.UTF8.GetBytes(body));
        Assert.Contains("HF_ENDPOINT", (await bench.FailAsync(HubProblem.BadAnswer)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[{\"type\": \"file\"}]")]
    [InlineData("[{\"type\": \"file\", \"path\": \"a\", \"oid\": \"b\", \"size\": -1}]")]
    [InlineData("[{\"type\": \"file\", \"path\": \"a\", \"oid\": \"b\", \"size\": \"1\"}]")]
    public async Task A_list_of_files_that_is_malformed_is_told(string body)
    {
        using var bench = new HubBench();
        bench.Hub.Fault = request => request.Target.Contains("/tree/", StringComparison.Ordinal) ? new StubResponse(200, System.Text.Encoding.UTF8.GetBytes(body)) : null;
        await bench.FailAsync(HubProblem.BadAnswer);
    }

    [Theory]
    [InlineData("http://hub.test/next", true)]
    [InlineData("/next", true)]
    [InlineData("http://evil.test/next", false)]
    public async Task Long_lists_come_in_pages_of_the_hub(string next, bool isFollowed)
    {
        using var bench = new HubBench();
        var isSecond = false;
        bench.Hub.Fault = request =>
        {
            if (request.Target == "/next") isSecond = true;
            return request.Target == "/next" ? new StubResponse(200, "[{\"type\":\"file\",\"path\":\"more.txt\",\"oid\":\"abc\",\"size\":1}]"u8.ToArray())
                : request.Target.Contains("/tree/", StringComparison.Ordinal) ? bench.Hub.Usual(request).With("Link", $"<{next}>; rel=\"next\"")
                : null;
        };
        using var client = bench.Client();
        if (isFollowed) Assert.Contains((await client.GetModelAsync(HubBench.Id)).Files, file => file.Path == "more.txt");
        else await Assert.ThrowsAsync<HubException>(() => client.GetModelAsync(HubBench.Id));
        Assert.Equal(isFollowed, isSecond);
    }

    private sealed class Collector(List<HubProgress> reports) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) => reports.Add(value);
    }
}
