using FalconMamba.Hub;

namespace FalconMamba.Tests.Hub;

/// <summary>The same over real sockets, with the client's own handler.</summary>
public class StubServerTests
{
    [Fact]
    public async Task Redirects_ranges_cut_connections_and_tokens_over_the_wire()
    {
        using var bench = new HubBench();
        using var server = new StubServer(bench.Hub);
        var contents = new List<StubRequest>();
        bench.Hub.Fault = request =>
        {
            Assert.Equal(request.Address.Host == "127.0.0.1" ? $"Bearer {StubHub.Token}" : null, request.Authorization);
            if (request.Address.Host != "localhost") return null;
            lock (contents) contents.Add(request);
            return contents.Count < 3 ? bench.Hub.Usual(request) with { CutAfter = 40_000 } : null;
        };
        bench.Options = bench.Options with { Endpoint = bench.Hub.Address, Token = StubHub.Token };
        using var client = new HubClient(bench.Options, handler: null, bench.Time);
        var model = await client.GetModelAsync(HubModelId.Parse("owner/private"));
        var snapshot = await client.DownloadAsync(model, ModelFiles.OfModel(model));
        Assert.Equal(bench.Hub.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(snapshot, "model.safetensors")));
        Assert.Equal(3, contents.Count);
        Assert.True(contents[1].From > 0);
    }
}
