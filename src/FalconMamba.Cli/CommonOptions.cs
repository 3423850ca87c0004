using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using FalconMamba.Hub;
using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary>Arguments and options that several verbs share, and makers of options that check their numbers.</summary>
internal static class CommonOptions
{
    /// <summary>The model that runs where none is named.</summary>
    public const string DefaultModel = "shakespeare-4m";

    /// <summary>The option of every verb for stack traces.</summary>
    public const string VerboseName = "--verbose";

    /// <summary>On every verb: stack traces.</summary>
    public static Option<bool> Verbose() => new(VerboseName)
    {
        Description = "Tell the whole stack trace of an error.",
        Recursive = true,
    };

    /// <summary>What MODEL may be.</summary>
    public const string ModelDescription = "A folder with config.json and safetensors files, a .gguf file, the name of a model that ships, such as " + DefaultModel + ", or of one that was pulled, owner/name.";

    /// <summary>The model: a folder, a GGUF file, a shipped name or an id in the cache.</summary>
    public static Argument<string> Model() => new("MODEL") { Description = ModelDescription };

    /// <summary>Results as one JSON object.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Write one JSON object." };

    /// <summary>How many threads run.</summary>
    public static Option<int> Threads() =>
        Int32(1, 4096, null, "--threads", "-t").Describe("N", "Threads; by default one a physical core.");

    /// <summary>How a prompt goes through the layers.</summary>
    public static Option<int> Prefill() => Number(ModelOptions.DefaultPrefillChunkSize, Cli.Prefill.Parse, Cli.Prefill.Rule, "--prefill").Describe(
        Cli.Prefill.HelpName,
        "How a prompt goes through the layers: 512 tokens at once, token by token, or N at once.");

    /// <summary>The folder or GGUF file of the model that was named.</summary>
    public static string Locate(ParseResult parse, Argument<string> model, bool needsWeights = true) => Locate(parse.GetValue(model)!, needsWeights);

    /// <summary>The folder or GGUF file of a model.</summary>
    public static string Locate(string model, bool needsWeights = true) =>
        model.Length > 0 ? ModelResolver.Resolve(model, needsWeights: needsWeights) : throw new UsageException("MODEL is empty.");

    /// <summary>The name that the hub, or else a model's folder or file gives it.</summary>
    public static string NameOf(string path) => CachedModel.IdOf(path)?.ToString() ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));

    /// <summary>A whole number within bounds.</summary>
    public static Option<int> Int32(int least, int most, int? absent, string name, params string[] aliases) => Number(
        absent,
        text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value : null,
        most == int.MaxValue ? $"a whole number from {least}" : $"a whole number from {least} to {most}",
        name,
        aliases);

    /// <summary>Token ids; the option may be given several times.</summary>
    public static Option<int[]> Int32s(string name) => new(name)
    {
        CustomParser = argument =>
        {
            var ids = new int[argument.Tokens.Count];
            for (var i = 0; i < ids.Length; i++)
            {
                if (int.TryParse(argument.Tokens[i].Value, NumberStyles.None, CultureInfo.InvariantCulture, out ids[i])) continue;
                argument.AddError($"{name} takes a token id, \"{argument.Tokens[i].Value}\" was given.");
                break;
            }

            return ids;
        },
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>A seed.</summary>
    public static Option<ulong> Seed(ulong absent) => Number(
        absent,
        text => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : (ulong?)null,
        "a whole number from 0",
        "--seed");

    /// <summary>A number within bounds.</summary>
    public static Option<double> Double(double least, double most, double absent, string name) => Number(
        absent,
        text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value : (double?)null,
        most >= float.MaxValue ? least <= float.MinValue ? "a number" : $"a number from {least:R}" : $"a number from {least:R} to {most:R}",
        name);

    /// <summary>Names an option's value and says what it is for.</summary>
    public static Option<T> Describe<T>(this Option<T> option, string helpName, string description)
    {
        option.HelpName = helpName;
        option.Description = description;
        return option;
    }

    /// <summary>Whether the user gave the option.</summary>
    public static bool Has(this ParseResult parse, Option option) => parse.GetResult(option) is { Implicit: false };

    // Without a default of its own an option is 0, which the help does not tell: what 0 means is in the description.
    private static Option<T> Number<T>(T? absent, Func<string, T?> parse, string rule, string name, params string[] aliases)
        where T : struct => new(name, aliases)
        {
            DefaultValueFactory = absent is { } value ? _ => value : null,
            CustomParser = argument =>
            {
                var text = argument.Tokens.Count > 0 ? argument.Tokens[^1].Value : "";
                if (parse(text) is { } number) return number;
                argument.AddError($"{((OptionResult)argument.Parent!).IdentifierToken?.Value ?? name} takes {rule}, \"{text}\" was given.");
                return default;
            },
        };
}
