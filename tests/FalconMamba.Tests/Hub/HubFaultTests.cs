using FalconMamba.Hub;

namespace FalconMamba.Tests.Hub;

/// <summary>Downloads on bad networks and full disks.</summary>
public class HubFaultTests
{
    [Fact]
    public async Task A_cut_connection_is_gone_on_with_where_it_broke()
    {
        using var bench = new HubBench();
        var cuts = 0;
        bench.Hub.Fault = request => IsContent(request) && cuts++ < 7 ? bench.Hub.Usual(request) with { CutAfter = 10_000 } : null;
        bench.AssertWhole(await bench.PullAsync());
        Assert.Equal([0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000], bench.Handler.Requests.Where(IsContent).Select(request => request.From));
        Assert.All(bench.Time.Waits, wait => Assert.Equal(TimeSpan.FromSeconds(1), wait));
    }

    [Fact]
    public async Task The_next_run_goes_on_where_the_last_one_stopped()
    {
        using var bench = new HubBench();
        bench.Hub.Fault = request => IsContent(request) ? bench.Hub.Usual(request) with { CutAfter = request.From == 0 ? 30_000 : 0 } : null;
        Assert.Contains("goes on where it stopped", (await bench.FailAsync(HubProblem.Unreachable)).Message, StringComparison.Ordinal);
        Assert.Equal(30_000, new FileInfo(bench.Partial).Length);
        Assert.Equal([1, 2, 4, 8], bench.Time.Waits.Select(wait => wait.TotalSeconds).TakeLast(4));
        bench.Hub.Fault = _ => null;
        var before = bench.Handler.Requests.Count;
        bench.AssertWhole(await bench.PullAsync());
        Assert.Equal([30_000], bench.Handler.Requests.Skip(before).Where(IsContent).Select(request => request.From));
    }

    [Fact]
    public async Task A_whole_partial_file_needs_no_request()
    {
        using var bench = new HubBench();
        Directory.CreateDirectory(Path.GetDirectoryName(bench.Partial)!);
        File.WriteAllBytes(bench.Partial, bench.Hub.Files["model.safetensors"]);
        bench.AssertWhole(await bench.PullAsync());
        Assert.DoesNotContain(bench.Handler.Requests, IsContent);
    }

    [Theory]
    [InlineData(50_000, new long[] { 50_000, 0 })]
    [InlineData(100_000, new long[] { 0 })]
    [InlineData(200_000, new long[] { 0 })]
    public async Task A_partial_file_with_other_content_is_fetched_anew(int length, long[] starts)
    {
        using var bench = new HubBench();
        Directory.CreateDirectory(Path.GetDirectoryName(bench.Partial)!);
        File.WriteAllBytes(bench.Partial, new byte[length]);
        bench.AssertWhole(await bench.PullAsync());
        Assert.Equal(starts, bench.Handler.Requests.Where(IsContent).Select(request => request.From));
    }

    [Fact]
    public async Task Another_clients_partial_file_is_left_alone()
    {
        using var bench = new HubBench();
        var stranger = bench.Partial.Replace(".falcon-mamba", "", StringComparison.Ordinal);
        Directory.CreateDirectory(Path.GetDirectoryName(stranger)!);
        File.WriteAllBytes(stranger, bench.Hub.Files["model.safetensors"][..50_000]);
        await bench.PullAsync();
        Assert.Equal([0], bench.Handler.Requests.Where(IsContent).Select(request => request.From));
        Assert.Equal(50_000, new FileInfo(stranger).Length);
    }

    [Fact]
    public async Task A_server_without_ranges_sends_all_and_one_that_refuses_them_starts_anew()
    {
        using var bench = new HubBench();
        var calls = 0;
        bench.Hub.Fault = request => !IsContent(request) ? null : calls++ switch
        {
            0 => bench.Hub.Usual(request) with { CutAfter = 30_000 },
            1 => new StubResponse(200, bench.Hub.Files["model.safetensors"]) { CutAfter = 40_000 },
            2 => StubResponse.Of(416),
            3 => bench.Hub.Usual(request) with { CutAfter = 20_000 },
            4 => new StubResponse(206, [1, 2, 3]).With("Content-Range", "bytes 5-7/100000"),
            _ => null,
        };
        bench.AssertWhole(await bench.PullAsync());
        Assert.Equal([0, 30_000, 40_000, 0, 20_000, 0], bench.Handler.Requests.Where(IsContent).Select(request => request.From));
    }

    [Fact]
    public async Task Damage_is_fetched_once_more_and_then_told()
    {
        using var bench = new HubBench();
        var damaged = (byte[])bench.Hub.Files["model.safetensors"].Clone();
        damaged[77]++;
        var damages = 1;
        bench.Hub.Fault = request => IsContent(request) && damages-- > 0 ? new StubResponse(200, damaged) : null;
        bench.AssertWhole(await bench.PullAsync());

        using var other = new HubBench();
        other.Hub.Fault = request => IsContent(request) ? new StubResponse(200, damaged) : null;
        Assert.Contains("model.safetensors", (await other.FailAsync(HubProblem.Damaged)).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(other.Partial));
        Assert.False(File.Exists(other[$"models--owner--name/blobs/{StubHub.Sha256(bench.Hub.Files["model.safetensors"])}"]));
        Assert.False(File.Exists(other[$"models--owner--name/snapshots/{StubHub.Commit}/model.safetensors"]));
    }

    [Fact]
    public async Task A_small_file_is_checked_by_its_git_hash()
    {
        using var bench = new HubBench();
        bench.Hub.Fault = request => request.Method == "GET" && request.Target.EndsWith("/config.json", StringComparison.Ordinal)
            ? new StubResponse(200, new byte[bench.Hub.Files["config.json"].Length])
            : null;
        await bench.FailAsync(HubProblem.Damaged);
    }

    [Fact]
    public async Task A_file_of_another_length_than_listed_is_refused()
    {
        using var bench = new HubBench();
        bench.Hub.Fault = request => IsContent(request) ? new StubResponse(200, [.. bench.Hub.Files["model.safetensors"], 1]) : null;
        Assert.Contains("longer", (await bench.FailAsync(HubProblem.Damaged)).Message, StringComparison.Ordinal);
        bench.Hub.Fault = request => request.Method == "HEAD" ? bench.Hub.Usual(request).With("X-Linked-Size", "5") : null;
        await bench.FailAsync(HubProblem.Damaged);
    }

    [Fact]
    public async Task Too_many_requests_are_waited_for_as_the_hub_asks()
    {
        using var bench = new HubBench();
        var answers = new Queue<StubResponse>([
            StubResponse.Of(429).With("Retry-After", "7"),
            StubResponse.Of(429).With("Retry-After", "Fri, 02 Jan 2026 03:04:32 GMT"),
            StubResponse.Of(503).With("Retry-After", "9"),
            StubResponse.Of(500)]);
        bench.Hub.Fault = _ => answers.TryDequeue(out var answer) ? answer : null;
        bench.AssertWhole(await bench.PullAsync());
        Assert.Equal([7, 20, 9, 8], bench.Time.Waits.Select(wait => wait.TotalSeconds));
    }

    [Theory]
    [InlineData(429, "3600", HubProblem.TooManyRequests, 0)]
    [InlineData(429, "1", HubProblem.TooManyRequests, 4)]
    [InlineData(502, null, HubProblem.BadAnswer, 4)]
    public async Task Patience_ends(int status, string? retryAfter, HubProblem problem, int waits)
    {
        using var bench = new HubBench();
        bench.Hub.Fault = _ => retryAfter is null ? StubResponse.Of(status) : StubResponse.Of(status).With("Retry-After", retryAfter);
        await bench.FailAsync(problem);
        Assert.Equal(waits, bench.Time.Waits.Count);
    }

    [Fact]
    public async Task An_address_that_expired_is_asked_for_anew()
    {
        using var bench = new HubBench();
        var refusals = 0;
        bench.Hub.Fault = request => IsContent(request) && refusals++ == 0 ? StubResponse.Of(403) : null;
        bench.AssertWhole(await bench.PullAsync());
        Assert.Equal(2, bench.Handler.Requests.Count(request => request.Method == "HEAD" && request.Target.EndsWith("model.safetensors", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_connection_that_gives_nothing_counts_as_cut()
    {
        using var bench = new HubBench();
        using var silence = new SilentHandler();
        using var client = new HubClient(bench.Options with { StallTimeout = TimeSpan.FromSeconds(30) }, silence, bench.Time);
        var error = await Assert.ThrowsAsync<HubException>(() => client.GetModelAsync(HubBench.Id));
        Assert.Equal(HubProblem.Unreachable, error.Problem);
        Assert.Equal(5, bench.Time.Waits.Count(wait => wait == TimeSpan.FromSeconds(30)));
    }

    [Theory]
    [InlineData(HttpRequestError.NameResolutionError, 0, "HF_HUB_OFFLINE")]
    [InlineData(HttpRequestError.ConnectionError, 4, "HF_HUB_OFFLINE")]
    [InlineData(HttpRequestError.SecureConnectionError, 0, "certificates")]
    public async Task A_hub_that_cannot_be_reached_is_told(HttpRequestError reason, int waits, string part)
    {
        using var bench = new HubBench();
        using var broken = new StubHandler(_ => throw new HttpRequestException(reason, "no"));
        using var client = new HubClient(bench.Options, broken, bench.Time);
        var error = await Assert.ThrowsAsync<HubException>(() => client.GetModelAsync(HubBench.Id));
        Assert.Equal(HubProblem.Unreachable, error.Problem);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.Equal(waits, bench.Time.Waits.Count);
    }

    [Fact]
    public async Task A_disk_without_room_is_told_before_anything_is_written()
    {
        using var bench = new HubBench();
        using var client = new HubClient(bench.Options, bench.Handler, bench.Time) { FreeSpace = _ => 99_999 };
        var model = await client.GetModelAsync(HubBench.Id);
        var error = await Assert.ThrowsAsync<HubException>(() => client.DownloadAsync(model, ModelFiles.OfModel(model)));
        Assert.Equal(HubProblem.DiskFull, error.Problem);
        Assert.Contains("HF_HUB_CACHE", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(bench["models--owner--name"]));
    }

    [Fact]
    public async Task A_disk_that_becomes_full_is_told()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "only Linux has a file that is always full");
        using var bench = new HubBench();
        Directory.CreateDirectory(Path.GetDirectoryName(bench.Partial)!);
        File.CreateSymbolicLink(bench.Partial, "/dev/full");
        Assert.Contains("free some room", (await bench.FailAsync(HubProblem.DiskFull)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_download_keeps_what_has_come()
    {
        using var bench = new HubBench();
        using var cancellation = new CancellationTokenSource();
        bench.Options = bench.Options with { ParallelFiles = 1 };
        bench.Hub.Fault = request =>
        {
            if (!IsContent(request)) return null;
            if (request.From > 0) cancellation.Cancel();
            return bench.Hub.Usual(request) with { CutAfter = 30_000 };
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bench.PullAsync(cancellationToken: cancellation.Token));
        Assert.InRange(new FileInfo(bench.Partial).Length, 30_000, 60_000);
        bench.Hub.Fault = _ => null;
        bench.AssertWhole(await bench.PullAsync());
    }

    [Fact]
    public async Task Two_downloads_of_one_model_share_the_work()
    {
        using var bench = new HubBench();
        var snapshots = await Task.WhenAll(bench.PullAsync(), bench.PullAsync(), bench.PullAsync());
        Assert.Single(snapshots.Distinct());
        bench.AssertWhole(snapshots[0]);
        Assert.Single(bench.Handler.Requests, IsContent);
    }

    private static bool IsContent(StubRequest request) => request is { Method: "GET", Address.Host: "cdn.test" };

    private sealed class SilentHandler : HttpMessageHandler
    {
        private readonly TaskCompletionSource<HttpResponseMessage> _never = new();

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            _never.Task.WaitAsync(cancellationToken);
    }
}
