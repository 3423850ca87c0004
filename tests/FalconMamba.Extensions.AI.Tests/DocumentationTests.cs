using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace FalconMamba.Extensions.AI.Tests;

public class DocumentationTests
{
    [Fact]
    public async Task The_examples_of_the_page_run_and_stand_here_line_by_line()
    {
        var services = new ServiceCollection();
        services.AddFalconMamba(options => options.Model = "shakespeare-4m");
        using var provider = services.BuildServiceProvider();

        var client = provider.GetRequiredService<IChatClient>();
        var options = new ChatOptions { MaxOutputTokens = 60, Temperature = 0.7f, Seed = 1, StopSequences = ["<|im_end|>"] };
        await foreach (var update in client.GetStreamingResponseAsync("Who goes there?", options)) Console.Write(update.Text);

        var embeddings = provider.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>();
        var vector = await embeddings.GenerateVectorAsync("To be, or not to be");
        Assert.Equal(256, vector.Length);

        var engine = FalconMambaEngine.Load(new FalconMambaOptions { Model = "shakespeare-4m", ConversationBytes = 64 << 20 });
        var chat = new FalconMambaChatClient(engine);
        var first = await chat.GetResponseAsync("Who goes there?");
        var second = await chat.GetResponseAsync("And whither?", new ChatOptions { ConversationId = first.ConversationId });
        Console.WriteLine($"{second.Usage!.CachedInputTokenCount} of {second.Usage.InputTokenCount} tokens were read before");
        engine.Dispose();
        Assert.True(second.Usage.CachedInputTokenCount > 0);

        var page = File.ReadAllText(Path.Combine(FixtureFolder.Repository, "docs", "extensions-ai.md"));
        var source = File.ReadAllText(Path.Combine(FixtureFolder.Repository, "tests", "FalconMamba.Extensions.AI.Tests", "DocumentationTests.cs"));
        var lines = page.Split("```csharp\n")[1..].SelectMany(part => part.Split("```")[0].Split('\n', StringSplitOptions.RemoveEmptyEntries)).ToList();
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Contains(line, source, StringComparison.Ordinal));
    }
}
