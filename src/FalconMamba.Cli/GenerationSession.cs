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
        var tokenizer = Tokenizer.Load(_folder);
        using var model = FalconMambaModel.Load(_folder, _modelOptions);
        IReadOnlyDictionary<string, string> notes = ImmutableDictionary<string, string>.Empty;
        using var state = LoadState is null ? model.CreateState() : StateFile.Read(LoadState, model, out notes);
        var ids = Prompt is null ? [] : tokenizer.Encode(Prompt);
        if (ids.Length == 0 && state.TokenCount == 0) throw new UsageException("The prompt has no tokens: give some text.");
        var timings = new GenerationTimings
        {
            LoadSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds,
            PromptTokens = ids.Length,
            PrefillChunkSize = model.PrefillChunkSize,
            StateBytes = state.ByteLength,
        };

        // A new prompt ends what was unfinished; without one the text goes on inside it.
        var tail = new TextTail(tokenizer, Options.StopStrings);
        var text = new StringBuilder();
        if (Prompt is null) Emit(text, tail.Restore(notes));
        else if (Echo) Emit(text, Prompt);

        var generator = new TextGenerator(model, tokenizer, Options);
        Stream(generator, state, ids, tail, text, timings, cancellationToken);
        if (SaveState is null || generator.FinishReason is FinishReason.StopId) Emit(text, tail.Flush());
        if (SaveState is not null)
        {
            if (generator.Pending is { } pending) model.Forward([new Chunk(state, new[] { pending }) { Logits = RowSelection.None }], [], cancellationToken: cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            state.Save(SaveState, tail.Notes());
        }

        if (Json) WriteJson(ids, generator, text.ToString(), timings);
        else if (_terminal.OutputIsScreen) _terminal.Output.WriteLine();
        _terminal.Output.Flush();
        _terminal.Error.WriteLine(timings.ToString());
    }

    private void Stream(
        TextGenerator generator, RecurrentState state, int[] ids, TextTail tail, StringBuilder text, GenerationTimings timings, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        using var bar = new ProgressBar(_terminal, "reading the prompt", ids.Length, Units.Digits);
        var progress = new PromptProgress(bar, ids.Length, () =>
        {
            timings.PromptSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            bar.Dispose();
        });
        try
        {
            foreach (var piece in generator.Generate(state, ids, tail.Stream, tail.Stops, progress, cancellationToken)) Emit(text, piece);
        }
        finally
        {
            _terminal.Output.Flush();
        }

        timings.PeakBytes = ResidentMemory.Now().Peak;
        timings.GeneratedTokens = generator.Ids.Count;
        timings.GenerationSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds - timings.PromptSeconds;
        tail.Follow(generator.Ids);
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
        json.WriteNumbers("ids", generator.Ids);
        json.WriteString("text", text);
        json.WriteString("finish_reason", generator.FinishReason switch
        {
            FinishReason.Length => "length",
            FinishReason.StopId => "stop_id",
            FinishReason.StopString => "stop_string",
            _ => "none",
        });
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
