using System.Collections.Immutable;
using System.Text.Json;
using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Generation;
using FalconMamba.Generation.Filters;
using FalconMamba.Generation.Processors;

namespace FalconMamba.Tests.Generation;

/// <summary>One case of the sampling goldens: a processor, a filter or a chain of them, and what it makes of logits.</summary>
internal sealed record SamplingCase(JsonElement Json, Tensor Logits, Tensor Output)
{
    // Closer to a threshold than this, float32's rounding decides.
    private const double FragileMargin = 1e-6;

    public string Processor => Json.GetProperty("processor").GetString()!;

    public bool IsFragile => Json.TryGetProperty("margin", out var margin) && margin.ValueKind == JsonValueKind.Number && margin.GetDouble() < FragileMargin;

    public bool SplitsEqualLogits => Json.TryGetProperty("splits_equal_logits", out var splits) && splits.GetBoolean();

    private JsonElement Parameters => Json.GetProperty("params");

    public static IEnumerable<(string, SamplingCase)> Discover(string folder)
    {
        using var arrays = SafetensorsFile.Open(Path.Combine(folder, "arrays.safetensors"));
        using var cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
        foreach (var json in cases.RootElement.EnumerateArray())
        {
            var id = json.GetProperty("id").GetString()!;
            yield return ($"{id} {json.GetProperty("processor").GetString()} {json.GetProperty("params")} {json.GetProperty("logits")}",
                new SamplingCase(json, arrays.Tensors[json.GetProperty("logits").GetString()!], arrays.Tensors[json.GetProperty("output").GetString()!]));
        }
    }

    public static List<float[]> Rows(Tensor tensor)
    {
        var rows = new List<float[]>();
        for (long row = 0; row < tensor.Shape[0]; row++)
        {
            var values = new float[tensor.Shape[1]];
            tensor.CopyTo(row * tensor.Shape[1], values);
            rows.Add(values);
        }

        return rows;
    }

    /// <summary>What this code makes of a row of the case's logits.</summary>
    public float[] Apply(int row, float[] logits)
    {
        var ids = Ints(Json.GetProperty("input_ids")[row]);
        var promptLength = Json.TryGetProperty("prompt_length", out var length) ? length.GetInt32() : Whole("prompt_length", Whole("begin_index", ids.Length));
        var result = (float[])logits.Clone();
        if (Processor == "chain" || Processor == "renormalize_logits")
        {
            var end = Json.TryGetProperty("eos_token_id", out var eos) ? Ints(eos) : [];
            var pipeline = new LogitsPipeline(Options() with { DoSample = true }, end);
            pipeline.Process(ids.AsSpan(), promptLength, result);
            return Filtered(result, candidates =>
            {
                pipeline.Filter(candidates, default);
                if (pipeline.Renormalizes) candidates.Normalize();
            });
        }

        if (Filter() is { } filter) return Filtered(result, candidates => filter.Apply(candidates, default));
        foreach (var processor in Processors(row)) processor.Process(ids.AsSpan(), promptLength, result);
        return result;
    }

    private static float[] Filtered(float[] row, Action<Candidates> filter)
    {
        var candidates = new Candidates();
        candidates.Load(row);
        filter(candidates);
        candidates.CopyTo(row);
        return row;
    }

    private ICandidateFilter? Filter()
    {
        var keep = Whole("min_tokens_to_keep", 1);
        return Processor switch
        {
            "temperature" => new TemperatureFilter(Value),
            "top_k" => new TopKFilter((int)Value, keep),
            "top_p" => new TopPFilter(Value, keep),
            "min_p" => new MinPFilter(Value, keep),
            "typical_p" => new TypicalFilter(Value, keep),
            "epsilon_cutoff" => new EpsilonCutoffFilter(Value, keep),
            "eta_cutoff" => new EtaCutoffFilter(Value, keep),
            "top_h" => new TopHFilter(Value),
            _ => null,
        };
    }

    private IEnumerable<ILogitsProcessor> Processors(int row)
    {
        var end = Parameters.TryGetProperty("eos_token_id", out var eos) && eos.ValueKind != JsonValueKind.Null ? Ints(eos) : [];
        switch (Processor)
        {
            case "repetition_penalty":
                yield return new RepetitionPenaltyProcessor(Value, Parameters.TryGetProperty("prompt_ignore_length", out var ignored)
                    ? ignored.ValueKind == JsonValueKind.Array ? ignored[row].GetInt32() : ignored.GetInt32()
                    : 0);
                break;
            case "frequency_presence":
                yield return new RepetitionPenaltyProcessor(Number("repetition_penalty", 1));
                yield return new CountPenaltyProcessor(Number("frequency_penalty", 0), Number("presence_penalty", 0));
                break;
            case "no_repeat_ngram_size":
                yield return new NoRepeatNgramProcessor((int)Value);
                break;
            case "bad_words_ids":
                yield return new BadWordsProcessor(Options().BadWordsIds, end);
                break;
            case "sequence_bias":
                yield return new SequenceBiasProcessor(Biases());
                break;
            case "min_length" or "min_new_tokens":
                yield return new MinimumLengthProcessor((int)Value, Processor == "min_length", end);
                break;
            case "suppress_tokens" or "begin_suppress_tokens":
                yield return new SuppressTokensProcessor(Ints(Parameters.GetProperty(Processor)), Processor == "begin_suppress_tokens");
                break;
            case "forced_bos_token_id":
                yield return new ForcedBosProcessor((int)Value);
                break;
            case "forced_eos_token_id":
                yield return new ForcedEosProcessor(Whole("max_length", 0), null, Ints(Parameters.GetProperty(Processor)));
                break;
            case "exponential_decay_length_penalty":
                yield return new ExponentialDecayProcessor(Options().ExponentialDecayLengthPenalty!.Value, end);
                break;
            default:
                throw new InvalidDataException($"there is no processor {Processor}");
        }
    }

    private double Value => Number(Processor, double.NaN);

    // The file's keys are those of generation_config.json, so its reader makes the options.
    private GenerationOptions Options() =>
        GenerationConfig.Parse(JsonSerializer.SerializeToUtf8Bytes(Parameters), "params").Settings with { TopK = Whole("top_k", 0), EosTokenIds = null };

    // Minus infinity is a string there, which no configuration has.
    private ImmutableArray<SequenceBias> Biases() => [.. from pair in Parameters.GetProperty(Processor).EnumerateArray()
                                                         select new SequenceBias(Ints(pair[0]), pair[1].ValueKind == JsonValueKind.String ? double.NegativeInfinity : pair[1].GetDouble())];

    private double Number(string name, double absent) => Parameters.TryGetProperty(name, out var value) ? value.GetDouble() : absent;

    private int Whole(string name, int absent) => Parameters.TryGetProperty(name, out var value) ? value.GetInt32() : absent;

    private static ImmutableArray<int> Ints(JsonElement json) =>
        json.ValueKind == JsonValueKind.Number ? [json.GetInt32()] : [.. json.EnumerateArray().Select(id => id.GetInt32())];
}
