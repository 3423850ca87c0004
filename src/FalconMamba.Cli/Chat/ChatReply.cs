using FalconMamba.Generation;

namespace FalconMamba.Cli.Chat;

/// <summary>An answer, whole or as far as it came.</summary>
internal sealed record ChatReply
{
    public required string Text { get; init; }

    public required IReadOnlyList<int> Ids { get; init; }

    public required IReadOnlyList<TokenDetails> Details { get; init; }

    public required FinishReason FinishReason { get; init; }

    /// <summary>Whether the user stopped it.</summary>
    public required bool IsStopped { get; init; }

    /// <summary>Whether question and answer are part of the conversation: not where the user stopped it before anything came.</summary>
    public bool Counts => !IsStopped || Text.Length > 0;

    /// <summary>The tokens of the whole conversation up to the answer, of which only some had to be read.</summary>
    public required int ConversationTokens { get; init; }

    public required GenerationTimings Timings { get; init; }

    /// <summary>Writes it as a line of JSON.</summary>
    public void WriteJson(Terminal terminal) => JsonOutput.WriteLine(terminal, json =>
    {
        json.WriteString("event", "reply");
        json.WriteNumber("conversation_tokens", ConversationTokens);
        GenerationJson.Write(json, Ids, Text, FinishReason, Details);
        json.WriteBoolean("stopped", IsStopped);
        Timings.Write(json);
    });
}
