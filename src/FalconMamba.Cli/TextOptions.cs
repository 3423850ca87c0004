using System.CommandLine;
using FalconMamba.Generation;

namespace FalconMamba.Cli;

/// <summary>The options of every verb that generates text: how long it gets, where it ends and how tokens are chosen.</summary>
internal sealed class TextOptions
{
    private readonly int _defaultNewTokens;
    private readonly Option<int> _count;
    private readonly Option<ulong> _seed = CommonOptions.Seed(0).Describe("S", "Another seed draws another text; the same one the same text.");
    private readonly Option<string[]> _stop = new("--stop") { HelpName = "STRING", Description = "End before this string; may be given several times." };
    private readonly Option<int[]> _stopId = CommonOptions.Int32s("--stop-id").Describe("ID", "End at this token; may be given several times.");
    private readonly Option<bool> _ignoreEos = new("--ignore-eos") { Description = "Do not end at the model's own end tokens." };
    private readonly GenerationFlags _flags;

    /// <param name="command">The verb that gets the options.</param>
    /// <param name="defaultNewTokens">How many tokens come at most where nobody says so.</param>
    public TextOptions(Command command, int defaultNewTokens)
    {
        _defaultNewTokens = defaultNewTokens;
        _count = CommonOptions.Int32(1, int.MaxValue, null, "--max-new-tokens", "--max-tokens", "-n")
            .Describe("N", $"Generate at most N tokens; {defaultNewTokens} by default.");
        command.Add(_count);
        command.Add(_seed);
        command.Add(_stop);
        command.Add(_stopId);
        command.Add(_ignoreEos);
        _flags = new GenerationFlags(command);
    }

    /// <summary>What the user gave.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="defaults">What counts where the user gives nothing; null for nothing in particular.</param>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public GenerationOptions Read(ParseResult parse, GenerationOptions? defaults = null)
    {
        defaults ??= new GenerationOptions();
        return _flags.Read(parse, defaults with
        {
            MaxNewTokens = parse.Has(_count) ? parse.GetValue(_count) : defaults.MaxNewTokens,
            Seed = parse.Has(_seed) ? parse.GetValue(_seed) : defaults.Seed,
            StopStrings = [.. parse.GetValue(_stop) ?? []],
            StopIds = [.. parse.GetValue(_stopId) ?? []],
            IgnoreEos = parse.GetValue(_ignoreEos),
        });
    }

    /// <summary>Whether the user gave one of the options that choose tokens.</summary>
    public bool Has(ParseResult parse, string name) => _flags.Has(parse, name);

    /// <summary>Lets the checkpoint's own settings count where the user gives none, and tells those that cannot.</summary>
    /// <param name="terminal">Told the warnings.</param>
    /// <param name="path">The model's folder or file.</param>
    /// <param name="given">What the user gave.</param>
    /// <exception cref="UsageException">A setting would have no effect.</exception>
    public GenerationOptions Complete(Terminal terminal, string path, GenerationOptions given)
    {
        var (options, warnings) = GenerationConfig.FromFolder(path).Complete(given);
        foreach (var warning in warnings) terminal.Error.WriteLine($"warning: {warning}");
        if (options.MaxNewTokens is null && options.MaxLength is null) options = options with { MaxNewTokens = _defaultNewTokens };
        try
        {
            options.Check();
        }
        catch (ArgumentException e)
        {
            throw new UsageException(Failure.Sentence(e.Message));
        }

        return options;
    }
}
