using FalconMamba.Engine;
using FalconMamba.Model;
using FalconMamba.Sessions;

namespace FalconMamba.Tests.Engine;

/// <summary>Where an engine asks for kept states, and where it offers them.</summary>
public sealed class PrefixSeamTests : IDisposable
{
    private readonly FalconMambaModel _model = EngineModels.Tiny();

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task States_are_offered_inside_prompts_at_their_end_and_at_the_answers_end()
    {
        using var prefixes = new EveryEight();
        using var engine = new BatchEngine(_model, options: new() { Prefixes = prefixes });
        var request = EngineModels.Request(EngineModels.Prompt(30), 5) with { Owner = "a" };
        var answer = await EngineModels.IdsOf(engine.Submit(request));
        Assert.Equal([8, 16, 24, 30, 34], prefixes.Kept.Select(kept => kept.Ids.Length));
        Assert.All(prefixes.Kept, kept => Assert.Equal(("a", kept.Ids.Length), (kept.Owner, (int)kept.State.TokenCount)));
        int[] all = [.. request.Prompt.Span, .. answer];
        Assert.All(prefixes.Kept, kept => Assert.Equal(all[..kept.Ids.Length], kept.Ids));
        Assert.Equal(EngineModels.Alone(_model, request), answer);
    }

    [Fact]
    public async Task A_kept_beginning_is_not_read_again_and_changes_nothing()
    {
        using var prefixes = new EveryEight();
        var watched = new WatchedModel(_model);
        using var engine = new BatchEngine(watched, options: new() { Prefixes = prefixes });
        var request = EngineModels.Request(EngineModels.Prompt(30), 5) with { Owner = "a" };
        var answer = await EngineModels.IdsOf(engine.Submit(request));

        // The whole prompt: no token of it is read, and its logits are there at once.
        Assert.Equal((30, 0L, 5), await Again(request));
        Assert.Equal(answer, EngineModels.Alone(_model, request));

        // An edit behind the twentieth token, and the conversation going on behind the answer.
        int[] edited = [.. EngineModels.Prompt(30)];
        edited[20] ^= 1;
        Assert.Equal((16, 14L, 5), await Again(request with { Prompt = edited }));
        Assert.Equal((34, 3L, 5), await Again(request with { Prompt = (int[])[.. request.Prompt.Span, .. answer, 7, 9] }));

        async Task<(int Cached, long Read, int Count)> Again(GenerationRequest next)
        {
            var before = engine.Statistics.PromptTokens;
            var tokens = engine.Submit(next);
            var ids = await EngineModels.IdsOf(tokens);
            Assert.Equal(EngineModels.Alone(_model, next), ids);
            return (tokens.CachedTokens, engine.Statistics.PromptTokens - before, ids.Length);
        }
    }

    [Fact]
    public async Task Owners_do_not_see_each_others_hits()
    {
        using var prefixes = new EveryEight();
        using var engine = new BatchEngine(_model, options: new() { Prefixes = prefixes });
        var request = EngineModels.Request(EngineModels.Prompt(30), 5);
        var answers = new List<int[]>();
        foreach (var owner in new[] { "a", "b", null })
        {
            var before = engine.Statistics.PromptTokens;
            var tokens = engine.Submit(request with { Owner = owner });
            answers.Add(await EngineModels.IdsOf(tokens));
            Assert.Equal((0, 30L), (tokens.CachedTokens, engine.Statistics.PromptTokens - before));
        }

        Assert.Single(answers.Select(ids => string.Join(' ', ids)).Distinct());
    }

    [Fact]
    public async Task A_tree_of_prefixes_serves_an_engine()
    {
        using var tree = new PrefixTree(_model, new PrefixTreeOptions { ChunkSize = 32 });
        using var engine = new BatchEngine(_model, options: new() { Prefixes = tree });
        var request = EngineModels.Request(EngineModels.Prompt(1000), 5);
        int[] edited = [.. EngineModels.Prompt(1000)];
        edited[900] ^= 1;
        foreach (var (owner, prompt, least) in ((string?, int[], int)[])[("a", EngineModels.Prompt(1000), 0), ("a", EngineModels.Prompt(1000), 1000), ("a", edited, 880), ("b", edited, 0), (null, edited, 0), (null, edited, 1000)])
        {
            var next = request with { Owner = owner, Prompt = prompt };
            var before = engine.Statistics.PromptTokens;
            var tokens = engine.Submit(next);
            Assert.Equal(EngineModels.Alone(_model, next), await EngineModels.IdsOf(tokens));
            Assert.InRange(tokens.CachedTokens, least, least == 0 ? 0 : 1000);
            Assert.Equal(1000, tokens.CachedTokens + engine.Statistics.PromptTokens - before);
        }
    }

    /// <summary>Keeps a state every eight tokens.</summary>
    private sealed class EveryEight : IPrefixCache, IDisposable
    {
        public List<(string? Owner, int[] Ids, RecurrentState State)> Kept { get; } = [];

        public int Find(string? owner, ReadOnlySpan<int> ids, RecurrentState into)
        {
            var prompt = ids.ToArray();
            var best = Kept.Where(kept => kept.Owner == owner && prompt.AsSpan().StartsWith(kept.Ids)).OrderBy(kept => kept.Ids.Length).LastOrDefault();
            if (best.State is null) return 0;
            into.CopyFrom(best.State);
            return best.Ids.Length;
        }

        public void Keep(string? owner, ReadOnlySpan<int> ids, RecurrentState state, bool isInside) => Kept.Add((owner, ids.ToArray(), state.Fork()));

        public int NextKept(int position, int length) => (position & ~7) + 8;

        public void Dispose() => Kept.ForEach(kept => kept.State.Dispose());
    }
}
