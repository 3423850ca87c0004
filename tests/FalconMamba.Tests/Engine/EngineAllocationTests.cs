using FalconMamba.Engine;
using FalconMamba.Model;

namespace FalconMamba.Tests.Engine;

/// <summary>What an engine allocates while streams run.</summary>
[Collection(nameof(Alone))]
public class EngineAllocationTests
{
    [Fact]
    public async Task Steps_allocate_nothing_once_streams_run()
    {
        const int Streams = 8, Windows = 10, Tokens = 100;
        using var model = EngineModels.Tiny();
        using var engine = new BatchEngine(model, options: new() { MaxPromptTokens = 32 });
        var options = EngineModels.Drawing(4000) with { TopK = 50, TopP = 0.9, RepetitionPenalty = 1.1 };
        // A prompt is read all the while.
        var prompt = Read(engine.Submit(EngineModels.Request(EngineModels.Prompt(1_000_000), 1)));
        var others = Enumerable.Range(1, Streams - 1)
            .Select(i => Read(engine.Submit(new GenerationRequest { Prompt = new[] { i }, Options = options with { Seed = (ulong)i } }))).ToArray();
        var (count, before, least) = (0, 0L, long.MaxValue);
        await foreach (var token in engine.Submit(new GenerationRequest { Prompt = new[] { 0 }, Options = options }))
        {
            if (++count % Tokens != 0) continue;
            // Of many windows one: a runtime has affairs of its own.
            var now = GC.GetTotalAllocatedBytes(precise: true);
            if (count > Tokens) least = Math.Min(least, now - before);
            if (count == (Windows + 1) * Tokens) break;
            before = GC.GetTotalAllocatedBytes(precise: true);
        }

        engine.Dispose();
        await Task.WhenAll([prompt, .. others]);
        Assert.Equal(0, least);

        static async Task Read(GeneratedTokens tokens)
        {
            try
            {
                await foreach (var token in tokens)
                {
                }
            }
            catch (OperationCanceledException)
            {
            }
        }
    }

    [Fact]
    public async Task A_session_that_is_idle_costs_its_state_and_no_more()
    {
        const int Sessions = 2000;
        using var model = EngineModels.Tiny();
        using var engine = new BatchEngine(model);
        var states = new RecurrentState[Sessions];
        for (var i = 0; i < 50; i++) states[i] = await Talk(i);
        var before = SettledMemory();
        for (var i = 50; i < Sessions; i++) states[i] = await Talk(i);
        var each = (double)(SettledMemory() - before) / (Sessions - 50);
        FixtureFolder.Report($"{Sessions} idle sessions: {each:F0} managed bytes each beside a state of {states[0].ByteLength}; {engine.Statistics}");
        // What is managed of a state is its last hidden row and a few objects.
        Assert.InRange(each, 0, (sizeof(float) * model.Config.HiddenSize) + 1024);
        Assert.Equal((0, 0), (engine.Statistics.Running, engine.Statistics.Waiting));
        Array.ForEach(states, state => state.Dispose());

        async Task<RecurrentState> Talk(int session)
        {
            var state = model.CreateState();
            await EngineModels.IdsOf(engine.Submit(EngineModels.Request([session % 200], 3, (ulong)session) with { State = state }));
            return state;
        }
    }
    // What earlier tests left to their finalizers would go meanwhile and hide what sessions cost.
    private static long SettledMemory()
    {
        var (memory, last) = (0L, -1L);
        for (var i = 0; i < 20 && memory != last; i++)
        {
            GC.WaitForPendingFinalizers();
            (memory, last) = (GC.GetTotalMemory(forceFullCollection: true), memory);
        }

        return memory;
    }
}
