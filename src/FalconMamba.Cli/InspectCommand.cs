using System.CommandLine;
using System.Text.Json;
using FalconMamba.Formats;
using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary><c>inspect</c>: what a checkpoint is, and what it takes to run it.</summary>
internal static class InspectCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var json = CommonOptions.Json();
        var chunk = CommonOptions.Chunk("Tokens of a prompt that go through the layers together, for the memory; by default 256.");
        var threads = CommonOptions.Threads();
        var deterministic = CommonOptions.Deterministic();
        var command = new Command("inspect", "Show a model's configuration, tensors, memory and licence.") { model, json, chunk, deterministic, threads };
        command.OnRun(terminal, (parse, _) =>
        {
            var folder = CommonOptions.Folder(parse, model);
            using var weights = ModelWeights.Open(folder);
            var memory = MemoryEstimate.Of(weights, CommonOptions.ModelOptions(parse, threads, deterministic, parse.GetValue(chunk)));
            if (parse.GetValue(json)) WriteJson(terminal, folder, weights, memory);
            else WriteTables(terminal, folder, weights, memory);
        });
        return command;
    }

    private static void WriteTables(Terminal terminal, string folder, ModelWeights weights, MemoryEstimate memory)
    {
        var facts = new TextTable(2, CommonOptions.NameOf(folder), Path.GetFullPath(folder));
        foreach (var (name, value) in Facts(folder, weights, memory)) facts.Add(name, value);
        facts.Write(terminal);
        terminal.Output.WriteLine();

        var types = new TextTable(1, "type", "tensors", "parameters", "bytes");
        foreach (var (type, tensors) in ByType(weights))
            types.Add(type.ToString(), Units.Digits(tensors.Count), Units.Digits(tensors.Sum(t => t.ElementCount)), Units.Digits(tensors.Sum(t => t.ByteLength)));
        types.Write(terminal);
        terminal.Output.WriteLine();

        var table = new TextTable(2, "tensor", "type", "shape", "bytes");
        foreach (var tensor in weights.Tensors) table.Add(tensor.Name, tensor.Type.ToString(), string.Join(" × ", tensor.Shape), Units.Digits(tensor.ByteLength));
        table.Write(terminal);
    }

    private static IEnumerable<(string Name, string Value)> Facts(string folder, ModelWeights weights, MemoryEstimate memory)
    {
        var config = weights.Config;
        yield return ("architecture", config.ModelType == ModelKind.FalconMamba ? "Falcon Mamba (norms on dt, B and C)" : "Mamba");
        yield return ("parameters", $"{Units.Digits(weights.ParameterCount)} ({Units.Count(weights.ParameterCount)})");
        yield return ("licence", ModelCard.Licence(folder));
        yield return ("layers", $"{config.NumHiddenLayers}");
        yield return ("width", $"{config.HiddenSize} hidden, {config.IntermediateSize} inner");
        yield return ("states a channel", $"{config.StateSize}");
        yield return ("convolution", $"{config.ConvKernel} taps{(config.UseConvBias ? ", with bias" : "")}");
        yield return ("rank of dt", $"{config.TimeStepRank}");
        yield return ("vocabulary", $"{config.VocabSize}, head {(config.TieWordEmbeddings ? "tied to the embedding" : "of its own")}");
        yield return ("special tokens", $"begin {config.BosTokenId?.ToString() ?? "none"}, end {(config.EosTokenIds.IsEmpty ? "none" : string.Join(" ", config.EosTokenIds))}, padding {config.PadTokenId?.ToString() ?? "none"}");
        yield return ("epsilon", FormattableString.Invariant($"{config.LayerNormEpsilon:G6} of the norms") + (config.NormalizesDtBC ? FormattableString.Invariant($", {config.MixerRmsEps:G6} of dt, B and C") : ""));
        yield return ("tokenizer", File.Exists(Path.Combine(folder, "tokenizer.json")) ? "tokenizer.json" : "none");
        yield return ("tensors", $"{weights.Tensors.Count}");
        yield return ("memory: weights", $"{Units.Bytes(memory.Weights)} (mapped from the files)");
        yield return ("memory: prepared", Units.Bytes(memory.Prepared));
        yield return ("memory: activations", $"{Units.Bytes(memory.Activations)} while a prompt is read");
        yield return ("memory: state", $"{Units.Bytes(memory.State)} a sequence, whatever its length");
        yield return ("memory: together", $"{Units.Bytes(memory.Total)} for one sequence");
        yield return ("kernels", $"{memory.KernelPath}, {memory.Threads} {(memory.Threads == 1 ? "thread" : "threads")}");
    }

    private static void WriteJson(Terminal terminal, string folder, ModelWeights weights, MemoryEstimate memory) => JsonOutput.Write(terminal, json =>
    {
        json.WriteString("model", CommonOptions.NameOf(folder));
        json.WriteString("folder", Path.GetFullPath(folder));
        json.WriteString("licence", ModelCard.Licence(folder));
        json.WriteNumber("parameters", weights.ParameterCount);
        json.WritePropertyName("config");
        using (var config = JsonDocument.Parse(weights.Config.ToJson())) config.RootElement.WriteTo(json);
        json.WriteBoolean("tokenizer", File.Exists(Path.Combine(folder, "tokenizer.json")));
        json.WriteStartArray("types");
        foreach (var (type, tensors) in ByType(weights))
        {
            json.WriteStartObject();
            json.WriteString("type", type.ToString());
            json.WriteNumber("tensors", tensors.Count);
            json.WriteNumber("parameters", tensors.Sum(t => t.ElementCount));
            json.WriteNumber("bytes", tensors.Sum(t => t.ByteLength));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("tensor_count", weights.Tensors.Count);
        json.WriteStartArray("tensors");
        foreach (var tensor in weights.Tensors)
        {
            json.WriteStartObject();
            json.WriteString("name", tensor.Name);
            json.WriteString("type", tensor.Type.ToString());
            json.WriteNumbers("shape", tensor.Shape);
            json.WriteNumber("bytes", tensor.ByteLength);
            json.WriteString("file", Path.GetFileName(tensor.Owner?.Path));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("state_bytes", memory.State);
        json.WriteStartObject("memory");
        json.WriteNumber("weights", memory.Weights);
        json.WriteNumber("prepared", memory.Prepared);
        json.WriteNumber("activations", memory.Activations);
        json.WriteNumber("state", memory.State);
        json.WriteNumber("total", memory.Total);
        json.WriteEndObject();
        json.WriteStartObject("kernels");
        json.WriteString("path", memory.KernelPath);
        json.WriteNumber("threads", memory.Threads);
        json.WriteEndObject();
    });

    private static IEnumerable<(TensorType Type, List<Tensor> Tensors)> ByType(ModelWeights weights) =>
        weights.Tensors.GroupBy(tensor => tensor.Type).OrderBy(group => group.Key).Select(group => (group.Key, group.ToList()));
}
