using System.CommandLine;
using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary>The options of every verb that runs a model: how it computes, and on how many threads.</summary>
internal sealed class RunOptions
{
    private readonly Option<int> _threads = CommonOptions.Threads();
    private readonly Option<bool> _deterministic = new("--deterministic")
    {
        Description = "The same bits however a prompt is cut and however many threads run.",
    };

    private readonly Option<bool> _exact = new("--exact")
    {
        Description = "Multiply with float activations, not with ones of eight bits or of bfloat16: slower, within 5e-5 of the truth.",
    };

    private readonly Option<double> _mixerEps = CommonOptions.Double(FalconMambaConfig.LeastEpsilon, 1, 0, "--mixer-eps")
        .Describe("E", "Another epsilon for the norms of dt, B and C: a GGUF file has no key for it, and llama.cpp's rule is followed.");

    private readonly Option<int> _prefill = CommonOptions.Prefill();
    private readonly bool _hasLists;

    /// <param name="command">The verb that gets the options.</param>
    /// <param name="hasLists">Whether the verb takes lists of threads and of ways to read a prompt, by options of its own.</param>
    public RunOptions(Command command, bool hasLists = false)
    {
        _hasLists = hasLists;
        _mixerEps.DefaultValueFactory = null;
        command.Add(_exact);
        command.Add(_mixerEps);
        command.Add(_deterministic);
        if (hasLists) return;
        command.Add(_prefill);
        command.Add(_threads);
    }

    /// <summary>The options for a model; those that the verb takes lists for are left to it.</summary>
    /// <param name="parse">The command line.</param>
    public ModelOptions Read(ParseResult parse)
    {
        var options = new ModelOptions
        {
            Deterministic = parse.GetValue(_deterministic),
            Exact = parse.GetValue(_exact),
            MixerRmsEps = parse.Has(_mixerEps) ? parse.GetValue(_mixerEps) : null,
        };
        return _hasLists ? options : options with { Threads = parse.GetValue(_threads), PrefillChunkSize = parse.GetValue(_prefill) };
    }
}
