using System.CommandLine;
using System.Text.Json;
using FalconMamba.Formats;
using FalconMamba.Formats.Gguf;
using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary><c>inspect</c>: what a checkpoint is, and what it takes to run it.</summary>
internal static class InspectCommand
{
    private const int LongestValue = 100;

    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var json = CommonOptions.Json();
        var kernels = new Option<bool>("--kernels") { Description = "Instead, show which kernel works on each tensor on this machine, and why." };
        var command = new Command("inspect", "Show a model's configuration, tensors, memory and licence.") { model, json, kernels };
        var run = new RunOptions(command);
        command.OnRun(terminal, (parse, _) =>
        {
            var path = CommonOptions.Locate(parse, model);
            using var weights = ModelWeights.Open(path);
            var options = run.Read(parse);
            if (parse.GetValue(kernels))
            {
                var report = new KernelReport(CommonOptions.NameOf(path), KernelPlan.Of(weights, options));
                if (parse.GetValue(json)) report.WriteJson(terminal);
                else report.WriteTables(terminal);
                return;
            }

            using var gguf = File.Exists(path) ? GgufFile.Open(path) : null;
            var subject = new Subject(path, weights, gguf, options.Configure(weights.Config), MemoryEstimate.Of(weights, options));
            if (parse.GetValue(json)) WriteJson(terminal, subject);
            else WriteTables(terminal, subject);
        });
        return command;
    }

    private static void WriteTables(Terminal terminal, Subject subject)
    {
        var weights = subject.Weights;
        var facts = new TextTable(2, CommonOptions.NameOf(subject.Path), Path.GetFullPath(subject.Path));
        foreach (var (name, value) in Facts(subject)) facts.Add(name, value);
        facts.Write(terminal);
        terminal.Output.WriteLine();

        if (subject.Gguf is { } gguf)
        {
            var metadata = new TextTable(2, "metadata", "value");
            foreach (var (key, value) in gguf.Metadata) metadata.Add(key, OneLine(value.ToString()));
            metadata.Write(terminal);
            terminal.Output.WriteLine();
        }

        var types = new TextTable(1, "type", "tensors", "parameters", "bytes");
        foreach (var (type, tensors) in ByType(weights))
            types.Add(type.ToString(), Units.Digits(tensors.Count), Units.Digits(tensors.Sum(t => t.ElementCount)), Units.Digits(tensors.Sum(t => t.ByteLength)));
        types.Write(terminal);
        terminal.Output.WriteLine();

        var table = new TextTable(2, "tensor", "type", "shape", "bytes");
        foreach (var tensor in weights.Tensors) table.Add(tensor.Name, tensor.Type.ToString(), string.Join(" × ", tensor.Shape), Units.Digits(tensor.ByteLength));
        table.Write(terminal);
    }

    private static IEnumerable<(string Name, string Value)> Facts(Subject subject)
    {
        var (path, weights, gguf, config, memory) = subject;
        yield return ("format", gguf is null ? "safetensors" : $"GGUF version {gguf.Version}");
        yield return ("architecture", config.ModelType == ModelKind.FalconMamba ? "Falcon Mamba (norms on dt, B and C)" : "Mamba");
        yield return ("parameters", $"{Units.Digits(weights.ParameterCount)} ({Units.Count(weights.ParameterCount)})");
        yield return ("licence", subject.Licence.ToString());
        yield return ("layers", $"{config.NumHiddenLayers}");
        yield return ("width", $"{config.HiddenSize} hidden, {config.IntermediateSize} inner");
        yield return ("states a channel", $"{config.StateSize}");
        yield return ("convolution", $"{config.ConvKernel} taps{(config.UseConvBias ? ", with bias" : "")}");
        yield return ("rank of dt", $"{config.TimeStepRank}");
        yield return ("vocabulary", $"{config.VocabSize}, head {(config.TieWordEmbeddings ? "tied to the embedding" : "of its own")}");
        yield return ("special tokens", $"begin {config.BosTokenId?.ToString() ?? "none"}, end {(config.EosTokenIds.IsEmpty ? "none" : string.Join(" ", config.EosTokenIds))}, padding {config.PadTokenId?.ToString() ?? "none"}");
        yield return ("epsilon", FormattableString.Invariant($"{config.LayerNormEpsilon:G6} of the norms") + (config.NormalizesDtBC ? FormattableString.Invariant($", {config.MixerRmsEps:G6} of dt, B and C ({Source(config.MixerRmsEpsSource)})") : ""));
        yield return ("tokenizer", subject.Tokenizer ?? "none");
        yield return ("tensors", $"{weights.Tensors.Count}");
        yield return ("memory: weights", $"{Units.Bytes(memory.Weights)} (mapped from the files)");
        yield return ("memory: prepared", Units.Bytes(memory.Prepared));
        yield return ("memory: activations", $"{Units.Bytes(memory.Activations)} while a prompt is read, {memory.PrefillChunkSize} {(memory.PrefillChunkSize == 1 ? "token" : "tokens")} at once");
        if (memory.Scratch > 0) yield return ("memory: scratch", $"{Units.Bytes(memory.Scratch)} of packed weights and activations");
        yield return ("memory: state", $"{Units.Bytes(memory.State)} a sequence, whatever its length");
        yield return ("memory: together", $"{Units.Bytes(memory.Total)} for one sequence");
        yield return ("kernels", $"{memory.KernelPath}, {memory.Threads} {(memory.Threads == 1 ? "thread" : "threads")}");
    }

    private static void WriteJson(Terminal terminal, Subject subject) => JsonOutput.Write(terminal, json =>
    {
        var (path, weights, gguf, config, memory) = subject;
        json.WriteString("model", CommonOptions.NameOf(path));
        json.WriteString("path", Path.GetFullPath(path));
        json.WriteString("format", gguf is null ? "safetensors" : "gguf");
        json.WriteString("licence", subject.Licence.Name);
        json.WriteString("licence_link", subject.Licence.Link);
        json.WriteNumber("parameters", weights.ParameterCount);
        json.WritePropertyName("config");
        using (var document = JsonDocument.Parse(config.ToJson())) document.RootElement.WriteTo(json);
        json.WriteString("mixer_rms_eps_source", Source(config.MixerRmsEpsSource));
        json.WriteBoolean("tokenizer", subject.Tokenizer is not null);
        if (gguf is not null)
        {
            json.WriteStartObject("metadata");
            foreach (var (key, value) in gguf.Metadata) json.WriteString(key, value.ToString());
            json.WriteEndObject();
        }

        json.WriteObjects("types", ByType(weights), group =>
        {
            json.WriteString("type", group.Type.ToString());
            json.WriteNumber("tensors", group.Tensors.Count);
            json.WriteNumber("parameters", group.Tensors.Sum(t => t.ElementCount));
            json.WriteNumber("bytes", group.Tensors.Sum(t => t.ByteLength));
        });
        json.WriteNumber("tensor_count", weights.Tensors.Count);
        json.WriteObjects("tensors", weights.Tensors, tensor =>
        {
            json.WriteString("name", tensor.Name);
            json.WriteString("type", tensor.Type.ToString());
            json.WriteNumbers("shape", tensor.Shape);
            json.WriteNumber("bytes", tensor.ByteLength);
            json.WriteString("file", Path.GetFileName(tensor.Owner?.Path));
        });
        json.WriteNumber("state_bytes", memory.State);
        json.WriteStartObject("memory");
        json.WriteNumber("weights", memory.Weights);
        json.WriteNumber("prepared", memory.Prepared);
        json.WriteNumber("activations", memory.Activations);
        json.WriteNumber("scratch", memory.Scratch);
        json.WriteNumber("state", memory.State);
        json.WriteNumber("total", memory.Total);
        json.WriteEndObject();
        json.WriteStartObject("kernels");
        json.WriteString("path", memory.KernelPath);
        json.WriteNumber("threads", memory.Threads);
        json.WriteNumber("prefill_chunk_size", memory.PrefillChunkSize);
        json.WriteEndObject();
    });

    private static string Source(EpsilonSource source) => source switch
    {
        EpsilonSource.MixerKey => "stated in the file",
        EpsilonSource.LayerNormEpsilon => "that of the other norms, as llama.cpp does",
        EpsilonSource.Override => "given with --mixer-eps",
        _ => "from config.json, 1E-06 where it says nothing",
    };

    private static string OneLine(string text)
    {
        var line = text.ReplaceLineEndings("\\n");
        return line.Length <= LongestValue ? line : line[..LongestValue] + "…";
    }

    private static IEnumerable<(TensorType Type, List<Tensor> Tensors)> ByType(ModelWeights weights) =>
        weights.Tensors.GroupBy(tensor => tensor.Type).OrderBy(group => group.Key).Select(group => (group.Key, group.ToList()));

    /// <summary>What is inspected.</summary>
    private sealed record Subject(string Path, ModelWeights Weights, GgufFile? Gguf, FalconMambaConfig Config, MemoryEstimate Memory)
    {
        /// <summary>What it comes under.</summary>
        public ModelLicence Licence { get; } = Gguf is null ? ModelLicence.Read(Path) : ModelLicence.Read(Gguf);

        /// <summary>Where the tokenizer is, or null.</summary>
        public string? Tokenizer => Gguf is not null
            ? Gguf.Metadata.TryGetValue("tokenizer.ggml.model", out var model) && model.ToString() is not ("no_vocab" or "none") ? $"{model} in the file" : null
            : File.Exists(System.IO.Path.Combine(Path, "tokenizer.json")) ? "tokenizer.json" : null;
    }
}
