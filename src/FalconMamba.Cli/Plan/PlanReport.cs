using System.Text.Json;
using FalconMamba.Model;
using FalconMamba.Quantization;

namespace FalconMamba.Cli.Plan;

/// <summary>What running a model would take on this machine, and which file to take.</summary>
internal sealed class PlanReport
{
    private readonly PlannedModel _model;
    private readonly Machine _machine;
    private readonly ModelOptions _options;
    private readonly int _sequences;
    private readonly PlanRow[] _rows;
    private readonly PlanRow _choice;

    /// <param name="model">The model.</param>
    /// <param name="type">The type of weights that is asked for; null for the best that fits.</param>
    /// <param name="machine">The machine.</param>
    /// <param name="options">How it would run.</param>
    /// <param name="sequences">How many sequences go on together.</param>
    public PlanReport(PlannedModel model, QuantizationMix? type, Machine machine, ModelOptions options, int sequences)
    {
        (_model, _machine, _options, _sequences) = (model, machine, options, sequences);
        // Models are published in 16 bits and fewer: as float32 they would only be larger, so that is told when it is asked for.
        var rows = model.Types.Where(mix => mix.Name != "F32" || mix == type).Select(mix => PlanRow.Of(model.Config, mix, options)).ToArray();
        if (type is not null && rows.All(row => row.Type != type.Name)) rows = [PlanRow.Of(model.Config, type, options), .. rows];
        _rows = model.Here is { } here ? [here, .. rows.Where(row => row.Type != here.Type)] : rows;
        var wanted = (type ?? model.NamedType)?.Name ?? model.Here?.Type;
        _choice = _rows.FirstOrDefault(row => row.Type == wanted) ?? _rows.FirstOrDefault(Fits) ?? _rows[^1];
    }

    /// <summary>The document to be read, if there is one.</summary>
    public PlannedDocument? Document { get; init; }

    private bool IsMeasured => _machine.Bandwidth > 0;

    /// <summary>The largest type that fits and is smaller than the chosen one.</summary>
    private PlanRow? Smaller => _rows.Where(row => Fits(row) && row.Memory.Weights < _choice.Memory.Weights).MaxBy(row => row.Memory.Weights);

    public void Write(Terminal terminal)
    {
        var facts = new TextTable(2, _model.Name, _model.Path is { } path ? Path.GetFullPath(path) : "not on this machine");
        foreach (var (name, value) in Facts()) facts.Add(name, value);
        facts.Write(terminal);
        terminal.Output.WriteLine();

        var table = new TextTable(1, "type", "weights", "memory", "fits", "reading, tokens/s", "generating, tokens/s");
        foreach (var row in _rows)
        {
            table.Add(
                row.Type, Units.Bytes(row.Memory.Weights), Units.Bytes(row.Bytes(_sequences)), Fits(row) ? "yes" : "no",
                Rate(_machine.Reading(row, _options)), Rate(_machine.Generating(row, _options, _sequences)));
        }

        table.Write(terminal);
    }

    public void WriteJson(Terminal terminal) => JsonOutput.Write(terminal, json =>
    {
        json.WriteString("model", _model.Name);
        json.WriteString("path", _model.Path is { } path ? Path.GetFullPath(path) : null);
        json.WriteNumber("sequences", _sequences);
        json.WriteString("type", _choice.Type);
        json.WriteBoolean("fits", Fits(_choice));
        json.WriteString("smaller_type", Fits(_choice) ? null : Smaller?.Type);
        json.WriteString("pull", PullArgument);
        json.WriteStartObject("machine");
        json.WriteNumber("memory_bytes", _machine.Memory);
        if (IsMeasured)
        {
            json.WriteNumber("bandwidth_bytes_per_s", Math.Round(_machine.Bandwidth));
            json.WriteNumber("peak_f32_ops_per_s", Math.Round(_machine.Float32));
            json.WriteNumber("peak_bf16_ops_per_s", Math.Round(_machine.BFloat16));
            json.WriteNumber("peak_int8_ops_per_s", Math.Round(_machine.Int8));
        }

        json.WriteEndObject();
        if (Document is { } document)
        {
            json.WriteStartObject("document");
            json.WriteString("file", document.Name);
            json.WriteNumber("bytes", document.Bytes);
            json.WriteNumber("tokens", document.Tokens);
            json.WriteBoolean("estimated", document.IsEstimate);
            if (IsMeasured) json.WriteNumber("least_seconds", Math.Round(document.Tokens / _machine.Reading(_choice, _options), 3));
            json.WriteEndObject();
        }

        json.WriteStartArray("types");
        foreach (var row in _rows) WriteRow(json, row);
        json.WriteEndArray();
    });

    private void WriteRow(Utf8JsonWriter json, PlanRow row)
    {
        json.WriteStartObject();
        json.WriteString("type", row.Type);
        json.WriteBoolean("fits", Fits(row));
        json.WriteStartObject("memory");
        json.WriteNumber("weights", row.Memory.Weights);
        json.WriteNumber("prepared", row.Memory.Prepared);
        json.WriteNumber("activations", row.Memory.Activations);
        json.WriteNumber("states", row.Memory.State * _sequences);
        json.WriteNumber("total", row.Bytes(_sequences));
        json.WriteEndObject();
        json.WriteNumber("bytes_per_step", row.BytesOfStep(_sequences));
        if (IsMeasured)
        {
            json.WriteNumber("reading_tokens_per_second", Math.Round(_machine.Reading(row, _options), 3));
            json.WriteNumber("generating_tokens_per_second", Math.Round(_machine.Generating(row, _options, _sequences), 3));
        }

        json.WriteEndObject();
    }

    private IEnumerable<(string Name, string Value)> Facts()
    {
        var memory = _choice.Memory;
        yield return ("take", Advice());
        yield return ("memory: weights", Units.Bytes(memory.Weights));
        yield return ("memory: prepared", Units.Bytes(memory.Prepared));
        yield return ("memory: activations", $"{Units.Bytes(memory.Activations)} while a prompt is read");
        yield return ("memory: states", $"{Units.Bytes(memory.State * _sequences)} for {_sequences} {(_sequences == 1 ? "sequence" : "sequences")} of any length");
        yield return ("memory: together", $"{Units.Bytes(_choice.Bytes(_sequences))} of {Units.Bytes(_machine.Memory)}: {Verdict()}");
        if (!IsMeasured)
        {
            if (Document is not null) yield return ("document", Document.ToString());
            yield break;
        }

        var reading = _machine.Reading(_choice, _options);
        yield return ("reading", $"at most {Units.Short(reading)} tokens/s");
        yield return ("generating",
            $"at most {Units.Short(_machine.Generating(_choice, _options, _sequences))} tokens/s: memory is read at {Units.Bytes((long)_machine.Bandwidth)}/s, and a step takes {Units.Bytes(_choice.BytesOfStep(_sequences))}");
        if (Document is not null) yield return ("document", $"{Document}, read in no less than {Duration(Document.Tokens / reading)}");
    }

    private string? PullArgument => QuantizationMix.Find(_choice.Type) is { } mix ? _model.PullArgument(mix) : null;

    private string Advice() => (_choice == _model.Here, PullArgument) switch
    {
        (true, _) => $"{_choice.Type}, as it is here",
        (_, { } argument) => $"{_choice.Type}: 'falcon-mamba pull {argument}' downloads about {Units.Bytes(_choice.Memory.Weights)}",
        _ => $"{_choice.Type}: {(QuantizationMix.Find(_choice.Type)!.IsPlain ? "a folder" : "a GGUF file")} of about {Units.Bytes(_choice.Memory.Weights)}",
    };

    private string Verdict() => (Fits(_choice), Smaller) switch
    {
        (true, _) => "fits",
        (_, { } smaller) => $"does not fit; {smaller.Type} would, with {Units.Bytes(smaller.Bytes(_sequences))}",
        _ when _sequences > 1 => "does not fit, nor does a smaller type; try fewer sequences",
        _ => "does not fit, nor does a smaller type",
    };

    private bool Fits(PlanRow row) => row.Bytes(_sequences) <= _machine.Memory;

    private static string Rate(double rate) => rate > 0 ? Units.Short(rate) : "not measured";

    private static string Duration(double seconds) => seconds switch
    {
        < 100 => $"{Units.Short(seconds)} s",
        < 6000 => $"{Units.Short(seconds / 60)} minutes",
        _ => $"{Units.Short(seconds / 3600)} hours",
    };
}
