using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace FalconMamba.Extensions.AI.Tests;

public class DocumentationTests
{
    [Fact]
    public async Task The_example_of_the_page_runs_and_stands_here_line_by_line()
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

        var page = File.ReadAllText(Path.Combine(FixtureFolder.Repository, "docs", "extensions-ai.md"));
        var source = File.ReadAllText(Path.Combine(FixtureFolder.Repository, "tests", "FalconMamba.Extensions.AI.Tests", "DocumentationTests.cs"));
        var lines = page.Split("```csharp\n")[1].Split("```")[0].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Contains(line, source, StringComparison.Ordinal));
    }
}
