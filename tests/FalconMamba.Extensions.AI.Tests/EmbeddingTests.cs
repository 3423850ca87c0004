using FalconMamba.Model;
using Microsoft.Extensions.AI;

namespace FalconMamba.Extensions.AI.Tests;

public class EmbeddingTests
{
    private static readonly string[] Texts = ["To be, or not to be, that is the question", "Alas", "poor Yorick! I knew him, Horatio: a fellow of infinite jest"];

    [Theory]
    [InlineData(EmbeddingPooling.Last, 512)]
    [InlineData(EmbeddingPooling.Last, 4)]
    [InlineData(EmbeddingPooling.Mean, 512)]
    [InlineData(EmbeddingPooling.Mean, 4)]
    public async Task An_embedding_is_a_hidden_row_or_their_mean(EmbeddingPooling pooling, int chunk)
    {
        using var engine = new TestEngine(new FalconMambaOptions { Pooling = pooling, PrefillChunkSize = chunk, Deterministic = true });
        using var generator = new FalconMambaEmbeddingGenerator(engine.Engine);
        var embeddings = await generator.GenerateAsync(Texts);
        Assert.Equal(Texts.Length, embeddings.Count);
        var size = engine.Model.Config.HiddenSize;
        var tokens = 0;
        using var model = FalconMambaModel.Load(TestEngine.Folder, new ModelOptions { Deterministic = true });
        for (var i = 0; i < Texts.Length; i++)
        {
            var ids = engine.Tokenizer.Encode(Texts[i]);
            tokens += ids.Length;
            var rows = new float[ids.Length * size];
            using var state = model.CreateState();
            model.Forward([new Chunk(state, ids) { Logits = RowSelection.None, Hidden = RowSelection.All }], [], rows);
            var expected = pooling == EmbeddingPooling.Last
                ? rows[^size..]
                : [.. Enumerable.Range(0, size).Select(column => (float)(Enumerable.Range(0, ids.Length).Sum(row => (double)rows[(row * size) + column]) / ids.Length))];
            Assert.Equal(expected, embeddings[i].Vector.ToArray());
            Assert.Equal((size, TestEngine.Name), (embeddings[i].Dimensions, embeddings[i].ModelId));
        }

        Assert.Equal((tokens, tokens), (embeddings.Usage!.InputTokenCount, embeddings.Usage.TotalTokenCount));
        Assert.All(engine.Model.States, state => Assert.Throws<ObjectDisposedException>(state.Fork));
    }

    [Fact]
    public async Task Bad_requests_are_refused()
    {
        using var engine = new TestEngine();
        using var generator = new FalconMambaEmbeddingGenerator(engine.Engine, EmbeddingPooling.Last);
        Assert.Contains("Text 1", (await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync(["a", ""]))).Message, StringComparison.Ordinal);
        foreach (var (option, options) in ((string, EmbeddingGenerationOptions)[])
        [
            ("Dimensions", new() { Dimensions = 3 }),
            ("ModelId", new() { ModelId = "other" }),
            ("pooling", new() { AdditionalProperties = new() { ["pooling"] = "max" } }),
        ])
        {
            Assert.Equal(option, (await Assert.ThrowsAsync<UnsupportedOptionException>(() => generator.GenerateAsync(["a"], options))).Option);
        }

        Assert.Empty(await generator.GenerateAsync([], new EmbeddingGenerationOptions { Dimensions = engine.Model.Config.HiddenSize }));
        Assert.Equal(engine.Model.Config.HiddenSize, generator.GetService<EmbeddingGeneratorMetadata>()!.DefaultModelDimensions);
        generator.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => generator.GenerateAsync(["a"]));
    }

    [Fact]
    public async Task Streams_have_a_step_between_parts()
    {
        using var engine = new TestEngine(new FalconMambaOptions { PrefillChunkSize = 4 });
        using var generator = new FalconMambaEmbeddingGenerator(engine.Engine);
        using var cancellation = new CancellationTokenSource();
        var stream = engine.Engine.Batch.Submit(new() { Prompt = new[] { 1 }, Options = new() { MaxNewTokens = 1_000_000, IgnoreEos = true } }, cancellation.Token);
        var reading = Task.Run(async () => { await foreach (var token in stream) { } }, TestContext.Current.CancellationToken);
        var before = engine.Engine.Batch.Statistics.Steps;
        var embeddings = await generator.GenerateAsync(Texts, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(engine.Engine.Batch.Statistics.Steps - before >= (embeddings.Usage!.InputTokenCount / 4) - 1);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [Fact]
    public async Task Cancellation_ends_between_parts()
    {
        using var engine = new TestEngine(new FalconMambaOptions { PrefillChunkSize = 2 });
        using var generator = new FalconMambaEmbeddingGenerator(engine.Engine);
        using var cancellation = new CancellationTokenSource();
        engine.Model.OnForward = number =>
        {
            if (number == 3) cancellation.Cancel();
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => generator.GenerateAsync(Texts, null, cancellation.Token));
        Assert.Equal(3, engine.Model.Forwards);
    }
}
