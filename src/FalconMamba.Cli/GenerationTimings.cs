using System.Text.Json;
using FalconMamba.Generation;

namespace FalconMamba.Cli;

/// <summary>What a generation took.</summary>
internal sealed class GenerationTimings
{
    /// <summary>How long loading took; null where it is not this generation's.</summary>
    public double? LoadSeconds { get; init; }

    public int PromptTokens { get; init; }

    /// <summary>Tokens of the prompt that went through the layers together.</summary>
    public int PrefillChunkSize { get; init; }

    public double PromptSeconds { get; set; }

    public int GeneratedTokens { get; set; }

    public double GenerationSeconds { get; set; }

    /// <summary>What guessing ahead came to; null where nothing is guessed.</summary>
    public SpeculationCounts? Speculation { get; set; }

    /// <summary>The bytes of the sequence's whole past.</summary>
    public long StateBytes { get; init; }

    /// <summary>The most bytes that the process had in memory, mapped files included.</summary>
    public long PeakBytes { get; set; }

    /// <summary>One line for people.</summary>
    public override string ToString() =>
        $"prompt: {PromptTokens} tokens, {Rate(PromptTokens, PromptSeconds)}; generated: {GeneratedTokens} tokens, {Rate(GeneratedTokens, GenerationSeconds)}{Guesses}; state: {Units.Bytes(StateBytes)}; memory: at most {Units.Bytes(PeakBytes)}";

    /// <summary>As a property of a JSON object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("timings");
        if (LoadSeconds is { } load) json.WriteNumber("load_seconds", Math.Round(load, 6));
        json.WriteNumber("prompt_tokens", PromptTokens);
        json.WriteNumber("prefill_chunk_size", PrefillChunkSize);
        json.WriteNumber("prompt_seconds", Math.Round(PromptSeconds, 6));
        json.WriteNumber("prompt_tokens_per_second", PerSecond(PromptTokens, PromptSeconds));
        json.WriteNumber("generated_tokens", GeneratedTokens);
        json.WriteNumber("generation_seconds", Math.Round(GenerationSeconds, 6));
        json.WriteNumber("generation_tokens_per_second", PerSecond(GeneratedTokens, GenerationSeconds));
        if (Speculation is { } counts)
        {
            json.WriteNumber("drafted_tokens", counts.Drafted);
            json.WriteNumber("accepted_tokens", counts.Accepted);
        }

        json.WriteNumber("state_bytes", StateBytes);
        json.WriteNumber("resident_peak_bytes", PeakBytes);
        json.WriteEndObject();
    }

    private string Guesses => Speculation is { } counts ? $"; guessed: {counts.Drafted}, {counts.Accepted} of them right" : "";

    private static string Rate(int tokens, double seconds) => $"{Units.Short(PerSecond(tokens, seconds))} tokens/s";

    private static double PerSecond(int tokens, double seconds) => seconds > 0 ? Math.Round(tokens / seconds, 3) : 0;
}
