using System.Text.Json;
using FalconMamba.Kernels;
using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary><c>inspect --kernels</c>: the machine, and which kernel works on which tensors and why.</summary>
internal sealed class KernelReport(string name, KernelPlan plan)
{
    public void WriteTables(Terminal terminal)
    {
        var facts = new TextTable(2, name, "on this machine");
        facts.Add("processor", Processors.Name);
        facts.Add("instructions", KernelPlan.InstructionSets.Count > 0 ? string.Join(", ", KernelPlan.InstructionSets) : "none that kernels use");
        facts.Add("AMX", KernelPlan.AmxObstacle is { } obstacle ? $"not used: {obstacle}" : "usable");
        facts.Add("path", $"{plan.Path}: {plan.Reason}");
        facts.Add("threads", $"{plan.Threads}");
        facts.Add("prompts", $"at most {plan.PrefillChunkSize} {(plan.PrefillChunkSize == 1 ? "token" : "tokens")} at once");
        facts.Write(terminal);
        terminal.Output.WriteLine();

        var table = new TextTable(7, "tensors", "type", "shape", "tokens", "kernel", "instructions", "why");
        foreach (var use in plan.Uses)
        {
            string[] what = [use.Count == 1 ? use.Role : $"{use.Role} × {use.Count}", use.Type.ToString(), string.Join(" × ", use.Shape)];
            foreach (var (tokens, choice) in Different(use))
            {
                Add(what, tokens, choice);
                what = ["", "", ""];
            }
        }

        table.Write(terminal);

        void Add(string[] what, string tokens, KernelChoice choice) => table.Add([.. what, tokens, choice.Name, choice.Instructions, choice.Reason]);
    }

    // Numbers of tokens that follow one another and have the same kernel are one row.
    private static IEnumerable<(string Tokens, KernelChoice Choice)> Different(KernelUse use)
    {
        if (use.OneToken == use.FewTokens && use.FewTokens == use.ManyTokens) return [("any", use.OneToken)];
        if (use.OneToken == use.FewTokens) return [("one, few", use.OneToken), ("many", use.ManyTokens)];
        if (use.FewTokens == use.ManyTokens) return [("one", use.OneToken), ("more", use.ManyTokens)];
        return [("one", use.OneToken), ("few", use.FewTokens), ("many", use.ManyTokens)];
    }

    public void WriteJson(Terminal terminal) => JsonOutput.Write(terminal, json =>
    {
        json.WriteString("model", name);
        json.WriteString("processor", Processors.Name);
        json.WriteTexts("instruction_sets", KernelPlan.InstructionSets);
        json.WriteBoolean("amx", KernelPlan.AmxObstacle is null);
        json.WriteString("amx_obstacle", KernelPlan.AmxObstacle);
        json.WriteString("path", plan.Path);
        json.WriteString("reason", plan.Reason);
        json.WriteNumber("threads", plan.Threads);
        json.WriteNumber("prefill_chunk_size", plan.PrefillChunkSize);
        json.WriteObjects("tensors", plan.Uses, use =>
        {
            json.WriteString("role", use.Role);
            json.WriteNumber("count", use.Count);
            json.WriteString("type", use.Type.ToString());
            json.WriteNumbers("shape", use.Shape);
            Write(json, "one_token", use.OneToken);
            Write(json, "few_tokens", use.FewTokens);
            Write(json, "many_tokens", use.ManyTokens);
        });
    });

    private static void Write(Utf8JsonWriter json, string property, KernelChoice choice)
    {
        json.WriteStartObject(property);
        json.WriteString("kernel", choice.Name);
        json.WriteString("instructions", choice.Instructions);
        json.WriteString("reason", choice.Reason);
        json.WriteEndObject();
    }
}
