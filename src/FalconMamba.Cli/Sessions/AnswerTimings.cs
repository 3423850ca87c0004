using System.Text.Json;

namespace FalconMamba.Cli.Sessions;

/// <summary>What an answer took, and how much of its prompt was read before.</summary>
internal sealed class AnswerTimings
{
    public double LoadSeconds { get; init; }

    public int PromptTokens { get; init; }

    /// <summary>The tokens of the prompt that did not have to be read.</summary>
    public int HitTokens { get; init; }

    public long StateBytes { get; init; }

    /// <summary>From the question to the first text of the answer, loading aside; null where no token gave any.</summary>
    public double? FirstTokenSeconds { get; set; }

    /// <summary>From the question to the end of the answer, loading aside.</summary>
    public double TotalSeconds { get; set; }

    public int GeneratedTokens { get; set; }

    private double TokensPerSecond => FirstTokenSeconds is { } first && TotalSeconds > first ? Math.Round((GeneratedTokens - 1) / (TotalSeconds - first), 3) : 0;

    /// <summary>One line for people.</summary>
    public override string ToString() =>
        $"prompt: {Units.Digits(PromptTokens)} tokens, {Units.Digits(HitTokens)} of them read before; {(FirstTokenSeconds is { } first ? $"first token after {Units.Short(first)} s" : "no text came")}; generated: {GeneratedTokens} tokens, {Units.Short(TokensPerSecond)} tokens/s; state: {Units.Bytes(StateBytes)}";

    /// <summary>As a property of a JSON object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("timings");
        json.WriteNumber("load_seconds", Math.Round(LoadSeconds, 6));
        json.WriteNumber("prompt_tokens", PromptTokens);
        json.WriteNumber("hit_tokens", HitTokens);
        if (FirstTokenSeconds is { } first) json.WriteNumber("first_token_seconds", Math.Round(first, 6));
        json.WriteNumber("total_seconds", Math.Round(TotalSeconds, 6));
        json.WriteNumber("generated_tokens", GeneratedTokens);
        json.WriteNumber("generation_tokens_per_second", TokensPerSecond);
        json.WriteNumber("state_bytes", StateBytes);
        json.WriteEndObject();
    }
}
