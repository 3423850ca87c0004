using System.Diagnostics;
using System.Globalization;
using FalconMamba.Engine;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Engine;

/// <summary>
/// Sixteen streams that come, go and are cancelled, in deterministic mode: each must be what it would be alone, and the memory
/// must be as before. <c>FALCON_MAMBA_ENGINE_SECONDS</c> says how long; without it each stream comes six times.
/// </summary>
[Collection(nameof(Alone))]
public class ManyStreamsTests
{
    private const int Streams = 16, Length = 48, LeastTurns = 6;

    [Fact]
    public async Task Streams_that_come_and_go_are_what_they_would_be_alone()
    {
        var seconds = double.Parse(Environment.GetEnvironmentVariable("FALCON_MAMBA_ENGINE_SECONDS") ?? "0", CultureInfo.InvariantCulture);
        using var model = FalconMambaModel.Load(EngineModels.Shakespeare, new ModelOptions { Deterministic = true });
        var watched = new WatchedModel(model);
        using var engine = new BatchEngine(watched);
        var cases = Cases(model);
        var counts = new Counts();
        await RunAll(engine, cases, 0, counts);
        var before = Memory();

        var clock = Stopwatch.StartNew();
        await RunAll(engine, cases, seconds, counts = new Counts());
        var after = Memory();
        FixtureFolder.Report(
            $"{counts.Requests} requests, {counts.Cancelled} cancelled, {counts.Tokens} tokens equal in {clock.Elapsed.TotalSeconds:F0} s, up to {watched.MostChunks} sequences a step; "
            + $"managed {before.Managed >> 10} -> {after.Managed >> 10} KB, resident {before.Resident >> 20} -> {after.Resident >> 20} MB");
        Assert.InRange(watched.MostChunks, 2, Streams);
        Assert.Equal((0, 0), (engine.Statistics.Running, engine.Statistics.Waiting));
        watched.AssertNoStateIsLeft();
        Assert.InRange(after.Managed, 0, before.Managed + (1 << 20));
        Assert.InRange(after.Resident, 0, before.Resident + (16 << 20));
    }

    private static async Task RunAll(BatchEngine engine, Case[] cases, double seconds, Counts counts)
    {
        var clock = Stopwatch.StartNew();
        var tasks = new Task[Streams];
        var previous = Task.CompletedTask;
        for (var i = 0; i < Streams; i++)
        {
            // Each comes when the one before it has its first token.
            var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            tasks[i] = RunOne(i, previous, first);
            previous = first.Task;
        }

        await Task.WhenAll(tasks);

        async Task RunOne(int stream, Task turn, TaskCompletionSource first)
        {
            await turn;
            var random = new Random(stream);
            for (var i = 0; i < LeastTurns || clock.Elapsed.TotalSeconds < seconds; i++)
            {
                var chosen = cases[random.Next(cases.Length)];
                await Read(engine, chosen, random, first, counts);
            }
        }
    }

    private static async Task Read(BatchEngine engine, Case chosen, Random random, TaskCompletionSource first, Counts counts)
    {
        using var cancellation = new CancellationTokenSource();
        var (way, last) = (random.Next(8), random.Next(Length));
        var tokens = engine.Submit(chosen.Request with { Owner = $"owner {random.Next(4)}" }, cancellation.Token);
        var count = 0;
        try
        {
            await foreach (var token in tokens)
            {
                Assert.Equal(chosen.Answer[count++], token.Id);
                first.TrySetResult();
                if (count <= last) continue;
                if (way == 0) break;
                if (way == 1) cancellation.Cancel();
                if (way == 2) tokens.Cancel();
            }

            if (way > 2) Assert.Equal((chosen.Answer.Length, chosen.Reason), (count, tokens.FinishReason));
        }
        catch (OperationCanceledException) when (way is 1 or 2)
        {
        }

        counts.Add(count, tokens.Completion.IsCanceled);
    }

    private static Case[] Cases(FalconMambaModel model)
    {
        var text = File.ReadAllText(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "text", "tiny-shakespeare.txt"));
        var ids = Tokenizer.FromFolder(EngineModels.Shakespeare).Encode(text[..100_000]);
        GenerationOptions[] options =
        [
            new() { MaxNewTokens = Length },
            new() { MaxNewTokens = Length, DoSample = true, Seed = 3 },
            new() { MaxNewTokens = Length, DoSample = true, TopP = 0.9, RepetitionPenalty = 1.2, NoRepeatNgramSize = 3, Seed = 4 },
            new() { MaxNewTokens = Length, DoSample = true, Mirostat = 2, Seed = 5, StopIds = [ids[0]] },
        ];
        var random = new Random(1);
        return
        [
            .. Enumerable.Range(0, 32).Select(i =>
            {
                // Most prompts are short, some take several steps.
                var length = 1 + random.Next(i % 8 == 0 ? 1500 : 60);
                var request = new GenerationRequest { Prompt = ids.AsMemory(random.Next(ids.Length - length), length), Options = options[i % options.Length] };
                var answer = model.GenerateInDetail(request.Prompt, request.Options).Answers[0];
                return new Case(request, answer.Ids, answer.FinishReason);
            }),
        ];
    }

    private static (long Managed, long Resident) Memory() => (GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet);

    private sealed record Case(GenerationRequest Request, int[] Answer, FinishReason Reason);

    private sealed class Counts
    {
        private int _requests, _cancelled, _tokens;

        public int Requests => _requests;

        public int Cancelled => _cancelled;

        public int Tokens => _tokens;

        public void Add(int tokens, bool cancelled)
        {
            Interlocked.Increment(ref _requests);
            Interlocked.Add(ref _tokens, tokens);
            if (cancelled) Interlocked.Increment(ref _cancelled);
        }
    }
}
