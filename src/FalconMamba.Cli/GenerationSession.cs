using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli;

/// <summary>One run of <c>generate</c>: loads, goes on from a saved state, streams, saves, tells how long it took.</summary>
internal sealed class GenerationSession
{
    private readonly Terminal _terminal;
    private readonly string _folder;
    private readonly ModelOptions _modelOptions;

    public GenerationSession(Terminal terminal, string folder, ModelOptions modelOptions)
    {
        _terminal = terminal;
        _folder = folder;
        _modelOptions = modelOptions;
    }

    /// <summary>The text to go on with; null to go on from the state alone.</summary>
    public required string? Prompt { get; init; }

    /// <summary>Whether the prompt is written too.</summary>
    public bool Echo { get; init; }

    /// <summary>Whether one JSON object is written instead of the text.</summary>
    public bool Json { get; init; }

    /// <summary>The session to go on from, if any.</summary>
    public string? LoadState { get; init; }

    /// <summary>Where the session is saved, if anywhere.</summary>
    public string? SaveState { get; init; }

    /// <summary>How tokens are chosen.</summary>
    public required GenerationOptions Options { get; init; }

    /// <summary>Runs it.</summary>
    public void Run(CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        var (model, (tokenizer, ids)) = ModelLoading.Load(
            _terminal, _folder, _modelOptions, Prompt?.Length ?? 0, tokenizer => (tokenizer, Prompt is null ? [] : tokenizer.Encode(Prompt)), cancellationToken);
        using var owned = model;
        IReadOnlyDictionary<string, string> notes = ImmutableDictionary<string, string>.Empty;
        using var state = LoadState is null ? model.CreateState() : StateFile.Read(LoadState, model, out notes);
        if (ids.Length == 0 && state.TokenCount == 0) throw new UsageException("The prompt has no tokens: give some text.");
        var timings = new GenerationTimings
        {
            LoadSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds,
            PromptTokens = ids.Length,
            PrefillChunkSize = model.PrefillChunkSize,
            StateBytes = state.ByteLength,
        };

        if (Options.NumReturnSequences > 1)
        {
            WriteSequences(model, tokenizer, ids, timings, cancellationToken);
            return;
        }

        // A new prompt ends what was unfinished; without one the text goes on inside it.
        var tail = new TextTail(tokenizer, Options.StopStrings);
        var text = new StringBuilder();
        if (Prompt is null) Emit(text, tail.Restore(notes));
        else if (Echo) Emit(text, Prompt);

        using var generator = new TextGenerator(model, tokenizer, Options);
        var history = state.TokenCount == 0 ? new TokenHistory() : SessionTokens.Restore(notes, state.TokenCount);
        if (history is null && generator.NeedsHistory)
            throw new CommandException("The session does not hold its tokens, which the options look at: go on without penalties, or begin it anew.");
        Stream(generator, state, ids, history, tail, text, timings, cancellationToken);
        if (SaveState is null || generator.FinishReason is FinishReason.StopId) Emit(text, tail.Flush());
        if (SaveState is not null)
        {
            if (generator.Pending is { } pending) model.Forward([new Chunk(state, new[] { pending }) { Logits = RowSelection.None }], [], cancellationToken: cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            state.Save(SaveState, SessionTokens.AddTo(tail.Notes(), history));
        }

        if (Json) WriteJson(ids, generator, text.ToString(), timings);
        else if (_terminal.OutputIsScreen) _terminal.Output.WriteLine();
        _terminal.Output.Flush();
        _terminal.Error.WriteLine(timings.ToString());
    }

    private void Stream(
        TextGenerator generator, RecurrentState state, int[] ids, TokenHistory? history, TextTail tail, StringBuilder text, GenerationTimings timings, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        using var bar = new ProgressBar(_terminal, "reading the prompt", ids.Length, Units.Digits);
        var progress = Progress(bar, ids.Length, start, timings);
        try
        {
            foreach (var piece in generator.Generate(state, ids, history, tail.Stream, tail.Stops, progress, cancellationToken)) Emit(text, piece);
        }
        finally
        {
            _terminal.Output.Flush();
        }

        timings.PeakBytes = ResidentMemory.Now().Peak;
        timings.GeneratedTokens = generator.Ids.Count;
        timings.GenerationSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds - timings.PromptSeconds;
        if (Options.AssistantModel is not null || Options.PromptLookupNumTokens is not null) timings.Speculation = generator.Speculation;
        tail.Follow(generator.Ids);
    }

    private static PromptProgress Progress(ProgressBar bar, int length, long start, GenerationTimings timings) => new(bar, length, () =>
    {
        timings.PromptSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        bar.Dispose();
    });

    // They run side by side, so that their texts are whole only at the end.
    private void WriteSequences(FalconMambaModel model, Tokenizer tokenizer, int[] ids, GenerationTimings timings, CancellationToken cancellationToken)
    {
        if (LoadState is not null || SaveState is not null)
            throw new UsageException("--num-return-sequences gives several texts, and a session is one: leave out --load-state and --save-state.");
        var start = Stopwatch.GetTimestamp();
        using var bar = new ProgressBar(_terminal, "reading the prompt", ids.Length, Units.Digits);
        var output = model.GenerateInDetail(ids, Options, tokenizer, Progress(bar, ids.Length, start, timings), cancellationToken);
        timings.PeakBytes = ResidentMemory.Now().Peak;
        timings.GeneratedTokens = output.Answers.Sum(answer => answer.Ids.Length);
        timings.GenerationSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds - timings.PromptSeconds;
        if (Json)
        {
            JsonOutput.Write(_terminal, json =>
            {
                json.WriteString("model", CommonOptions.NameOf(_folder));
                json.WriteNumbers("prompt_ids", ids);
                json.WriteStartArray("sequences");
                foreach (var answer in output.Answers) GenerationJson.WriteSequence(json, answer, Echo ? Prompt + answer.Text : answer.Text!);
                json.WriteEndArray();
                json.WriteNumber("seed", Options.Seed);
                timings.Write(json);
            });
        }
        else
        {
            for (var i = 0; i < output.Answers.Length; i++)
                _terminal.Output.WriteLine($"--- {i + 1}\n{(Echo ? Prompt : "")}{output.Answers[i].Text}");
        }

        _terminal.Output.Flush();
        _terminal.Error.WriteLine(timings.ToString());
    }

    private void Emit(StringBuilder text, string piece)
    {
        if (piece.Length == 0) return;
        text.Append(piece);
        if (Json) return;
        _terminal.Output.Write(piece);
        _terminal.Output.Flush();
    }

    private void WriteJson(int[] promptIds, TextGenerator generator, string text, GenerationTimings timings) => JsonOutput.Write(_terminal, json =>
    {
        json.WriteString("model", CommonOptions.NameOf(_folder));
        json.WriteNumbers("prompt_ids", promptIds);
        GenerationJson.Write(json, generator.Ids, text, generator.FinishReason, generator.Details);
        json.WriteNumber("seed", Options.Seed);
        timings.Write(json);
    });

    /// <summary>Passes progress on and tells when the prompt is read.</summary>
    private sealed class PromptProgress(ProgressBar bar, int total, Action finished) : IProgress<int>
    {
        public void Report(int value)
        {
            bar.Report(value);
            if (value == total) finished();
        }
    }
}
