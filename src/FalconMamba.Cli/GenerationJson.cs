using System.Text.Json;
using FalconMamba.Generation;

namespace FalconMamba.Cli;

/// <summary>Generated sequences as JSON.</summary>
internal static class GenerationJson
{
    /// <summary>A sequence as properties of an object.</summary>
    public static void Write(Utf8JsonWriter json, IEnumerable<int> ids, string text, FinishReason reason, IReadOnlyList<TokenDetails> details)
    {
        json.WriteNumbers("ids", ids);
        json.WriteString("text", text);
        json.WriteString("finish_reason", reason switch
        {
            FinishReason.Length => "length",
            FinishReason.StopId => "stop_id",
            FinishReason.StopString => "stop_string",
            _ => "none",
        });
        if (details.Count == 0) return;
        json.WriteObjects("logprobs", details, token =>
        {
            WriteLogprob(json, token.Chosen);
            json.WriteObjects("top_logprobs", token.Top, top => WriteLogprob(json, top));
        });
    }

    /// <summary>A sequence as an object.</summary>
    public static void WriteSequence(Utf8JsonWriter json, GeneratedSequence sequence, string text)
    {
        json.WriteStartObject();
        Write(json, sequence.Ids, text, sequence.FinishReason, sequence.Tokens);
        if (sequence.Score is { } score) json.WriteNumber("score", score);
        json.WriteEndObject();
    }

    private static void WriteLogprob(Utf8JsonWriter json, TokenLogprob token)
    {
        json.WriteNumber("id", token.Id);
        // A token of no probability at all has no logarithm that JSON could hold.
        if (float.IsFinite(token.Logprob)) json.WriteNumber("logprob", token.Logprob);
        else json.WriteNull("logprob");
    }
}
