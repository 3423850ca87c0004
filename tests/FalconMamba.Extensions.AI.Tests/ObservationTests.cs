using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using FalconMamba.Extensions.AI.Observation;
using Microsoft.Extensions.AI;

namespace FalconMamba.Extensions.AI.Tests;

public class ObservationTests
{
    private const string Secret = "the password is swordfish";

    [Fact]
    public async Task Requests_are_measured_under_the_names_of_the_conventions()
    {
        using var engine = new TestEngine(new FalconMambaOptions { ModelId = "measured" });
        var measured = new ConcurrentQueue<(string Name, string Unit, double Value, string Tags)>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == GenAiInstruments.SourceName) self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.Start();

        var usage = (await engine.Client.GetResponseAsync(TestEngine.Say(Secret), new ChatOptions { MaxOutputTokens = 7 })).Usage!;
        const string Chat = "gen_ai.operation.name=chat gen_ai.provider.name=falcon_mamba_net gen_ai.request.model=measured";
        Assert.Equal(
            [("gen_ai.client.token.usage", "{token}", usage.InputTokenCount, Chat + " gen_ai.token.type=input"), ("gen_ai.client.token.usage", "{token}", 7, Chat + " gen_ai.token.type=output")],
            measured.Take(2).Select(m => (m.Name, m.Unit, (long?)m.Value, m.Tags)));
        var (name, unit, seconds, tags) = measured.ElementAt(2);
        Assert.Equal(("gen_ai.client.operation.duration", "s", Chat), (name, unit, tags));
        Assert.True(seconds > 0);

        measured.Clear();
        engine.Model.OnForward = _ => throw new InvalidDataException(Secret);
        await Assert.ThrowsAsync<InvalidDataException>(() => engine.Client.GetResponseAsync(TestEngine.Say("?")));
        Assert.Equal(Chat + " error.type=System.IO.InvalidDataException", measured.Last().Tags);

        measured.Clear();
        engine.Model.OnForward = null;
        using var generator = new FalconMambaEmbeddingGenerator(engine.Engine);
        await generator.GenerateAsync([Secret]);
        Assert.Equal(2, measured.Count);
        Assert.All(measured, m => Assert.StartsWith("gen_ai.operation.name=embeddings", m.Tags, StringComparison.Ordinal));

        void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var text = string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"));
            // Other tests run beside this one.
            if (text.Contains("model=measured", StringComparison.Ordinal)) measured.Enqueue((instrument.Name, instrument.Unit!, value, text));
        }
    }

    [Fact]
    public async Task Requests_are_traced()
    {
        using var engine = new TestEngine(new FalconMambaOptions { ModelId = "traced" });
        var stopped = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == GenAiInstruments.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (activity.DisplayName.EndsWith("traced", StringComparison.Ordinal)) stopped.Enqueue(activity);
            },
        };
        ActivitySource.AddActivityListener(listener);
        var response = await engine.Client.GetResponseAsync(TestEngine.Say(Secret), new ChatOptions { MaxOutputTokens = 7 });
        Assert.True(stopped.TryDequeue(out var chat));
        Assert.Equal(("chat traced", ActivityStatusCode.Unset), (chat.DisplayName, chat.Status));
        Assert.Equal((response.ResponseId, 7L), (chat.GetTagItem("gen_ai.response.id"), chat.GetTagItem("gen_ai.usage.output_tokens")));
        Assert.Equal(response.Usage!.InputTokenCount, chat.GetTagItem("gen_ai.usage.input_tokens"));
        Assert.Equal(["length"], Assert.IsType<string[]>(chat.GetTagItem("gen_ai.response.finish_reasons")));
        Assert.DoesNotContain(chat.TagObjects, tag => tag.Value is string text && text.Contains("swordfish", StringComparison.Ordinal));

        using var cancellation = new CancellationTokenSource();
        engine.Model.OnForward = _ => cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.Client.GetResponseAsync(TestEngine.Say("?"), null, cancellation.Token));
        Assert.True(stopped.TryDequeue(out var cancelled));
        Assert.Equal((ActivityStatusCode.Error, "System.OperationCanceledException"), (cancelled.Status, cancelled.GetTagItem("error.type")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Logs_hold_no_text_unless_they_may(bool sensitive)
    {
        using var lines = new LogLines();
        using var engine = new TestEngine(new FalconMambaOptions { EnableSensitiveData = sensitive }, loggers: lines);
        engine.WillSay("an answer of gold");
        await engine.Client.GetResponseAsync(TestEngine.Say(Secret));
        engine.Model.OnForward = _ => throw new InvalidDataException(Secret);
        await Assert.ThrowsAsync<InvalidDataException>(() => engine.Client.GetResponseAsync(TestEngine.Say(Secret)));
        Assert.Contains(lines.All, line => line.StartsWith("Information: chat with shakespeare-4m", StringComparison.Ordinal) && line.Contains("stop", StringComparison.Ordinal));
        Assert.Contains(lines.All, line => line.StartsWith("Warning:", StringComparison.Ordinal) && line.Contains("InvalidDataException", StringComparison.Ordinal));
        Assert.Equal(sensitive, lines.All.Any(line => line.Contains("swordfish", StringComparison.Ordinal)));
        Assert.Equal(sensitive, lines.All.Any(line => line.Contains("gold", StringComparison.Ordinal)));
    }
}
