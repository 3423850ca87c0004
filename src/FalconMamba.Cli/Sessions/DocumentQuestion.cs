using System.Diagnostics;
using System.Text;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Sessions;

namespace FalconMamba.Cli.Sessions;

/// <summary>One run of <c>ask</c>: goes on from what the session has read, and leaves it as it is.</summary>
internal sealed class DocumentQuestion(Terminal terminal, FolderStateStore store, SessionFacts facts, string model, ModelOptions modelOptions)
{
    // What a prompt has behind the question, in front of the answer, about.
    private const int CharactersBehind = 40;

    /// <summary>How tokens are chosen.</summary>
    public required GenerationOptions Options { get; init; }

    /// <summary>Whether one JSON object is written instead of the text.</summary>
    public bool Json { get; init; }

    /// <summary>Answers a question.</summary>
    public void Ask(string question, CancellationToken cancellationToken)
    {
        var loading = Stopwatch.GetTimestamp();
        var (runner, (tokenizer, end, ids)) = ModelLoading.Load(
            terminal,
            model,
            modelOptions,
            question.Length + CharactersBehind,
            tokenizer =>
            {
                var prompt = new DocumentPrompt(tokenizer);
                return (tokenizer, prompt.EndOfAnswer, prompt.Encode(facts.Text!, question));
            },
            cancellationToken);
        using var owned = runner;
        using var tree = new PrefixTree(runner, new PrefixTreeOptions { ChunkSize = runner.PrefillChunkSize });
        using var session = Session.Load(store, facts.Name, runner, tokenizer, tree)
            ?? throw new CommandException($"The session {facts.Name} was deleted meanwhile: read the document again.");
        if (session.UnreadCount > 0) terminal.Error.WriteLine($"warning: {Units.Digits(session.UnreadCount)} tokens of {facts.Name} are not read yet: 'falcon-mamba read' goes on with them, once for all questions");

        var start = Stopwatch.GetTimestamp();
        var hit = session.Replace(ids, [new SessionMessage("user", ids.Length)]);
        var timings = new AnswerTimings
        {
            LoadSeconds = Stopwatch.GetElapsedTime(loading, start).TotalSeconds,
            PromptTokens = ids.Length,
            HitTokens = hit,
            StateBytes = session.State.ByteLength,
        };
        var options = end is { } id && !Options.IgnoreEos ? Options with { StopIds = [.. Options.StopIds, id] } : Options;
        using var generator = new TextGenerator(runner, tokenizer, options);
        var text = new StringBuilder();
        using (var bar = new ProgressBar(terminal, "reading", ids.Length - hit, Units.Digits)) session.Read(bar, cancellationToken);
        foreach (var piece in generator.Generate(session.State, ReadOnlyMemory<int>.Empty, new TokenHistory(ids), cancellationToken: cancellationToken))
        {
            timings.FirstTokenSeconds ??= Stopwatch.GetElapsedTime(start).TotalSeconds;
            text.Append(piece);
            if (Json) continue;
            terminal.Output.Write(piece);
            terminal.Output.Flush();
        }

        timings.GeneratedTokens = generator.Ids.Count;
        timings.TotalSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (Json)
        {
            JsonOutput.Write(terminal, json =>
            {
                json.WriteString("session", facts.Name);
                json.WriteString("model", CommonOptions.NameOf(model));
                GenerationJson.Write(json, generator.Ids, text.ToString(), generator.FinishReason, generator.Details);
                json.WriteNumber("seed", options.Seed);
                timings.Write(json);
            });
        }
        else if (text.Length == 0 || text[^1] != '\n')
        {
            terminal.Output.WriteLine();
        }

        terminal.Output.Flush();
        terminal.Error.WriteLine(timings.ToString());
    }
}
