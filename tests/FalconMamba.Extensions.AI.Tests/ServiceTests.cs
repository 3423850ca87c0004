using FalconMamba.Model;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FalconMamba.Extensions.AI.Tests;

public class ServiceTests
{
    [Fact]
    public async Task One_line_registers_chat_and_embeddings_over_one_model()
    {
        var services = new ServiceCollection();
        services.AddFalconMamba(options =>
        {
            options.Model = TestEngine.Folder;
            options.MaxOutputTokens = 6;
            options.Threads = 1;
        });
        await using var provider = services.BuildServiceProvider();
        provider.GetRequiredService<IStartupValidator>().Validate();
        var client = provider.GetRequiredService<IChatClient>();
        var generator = provider.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>();
        Assert.Same(client, provider.GetRequiredService<IChatClient>());
        Assert.Same(client.GetService<FalconMambaEngine>(), generator.GetService<FalconMambaEngine>());
        Assert.Equal(1, client.GetService<FalconMambaModel>()!.Threads);
        Assert.Equal(6, (await client.GetResponseAsync("Who goes there?")).Usage!.OutputTokenCount);
        Assert.Single(await generator.GenerateAsync(["Who goes there?"]));
        await provider.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.GetResponseAsync("Who goes there?"));
    }

    [Fact]
    public void What_a_host_registered_itself_stays()
    {
        using var engine = new TestEngine();
        using var provider = new ServiceCollection().AddSingleton<IChatClient>(engine.Client).AddFalconMamba(options => options.Model = TestEngine.Folder).BuildServiceProvider();
        Assert.Same(engine.Client, provider.GetRequiredService<IChatClient>());
    }

    public static TheoryData<string, Action<FalconMambaOptions>> Wrong => new()
    {
        { "Model is empty", options => options.Model = "" },
        { "no folder there-is-none", options => options.Model = "there-is-none" },
        { "ModelId is empty", options => options.ModelId = " " },
        { "Threads is -1", options => options.Threads = -1 },
        { "PrefillChunkSize is 0", options => options.PrefillChunkSize = 0 },
        { "PrefillChunkSize is 20000", options => options.PrefillChunkSize = 20000 },
        { "MaxOutputTokens is 0", options => options.MaxOutputTokens = 0 },
        { "MaxRunningRequests is 0", options => options.MaxRunningRequests = 0 },
        { "MaxWaitingRequests is -1", options => options.MaxWaitingRequests = -1 },
        { "Pooling is 7", options => options.Pooling = (EmbeddingPooling)7 },
    };

    [Theory(DisableDiscoveryEnumeration = true)]
    [MemberData(nameof(Wrong))]
    public void Wrong_options_stop_the_host_before_it_starts(string sentence, Action<FalconMambaOptions> spoil)
    {
        var services = new ServiceCollection().AddFalconMamba(options => options.Model = TestEngine.Folder);
        services.Configure(spoil);
        using var provider = services.BuildServiceProvider();
        var error = Assert.Throws<OptionsValidationException>(provider.GetRequiredService<IStartupValidator>().Validate);
        Assert.Contains(sentence, Assert.Single(error.Failures), StringComparison.Ordinal);
        Assert.Throws<OptionsValidationException>(provider.GetRequiredService<IChatClient>);
    }
}
