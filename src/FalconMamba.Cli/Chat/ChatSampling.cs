using System.Collections;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using FalconMamba.Generation;

namespace FalconMamba.Cli.Chat;

/// <summary>How answers are generated: by the options of the command line, until <c>/sampling</c> gives others.</summary>
internal sealed class ChatSampling
{
    /// <summary>How many tokens an answer has at most where nobody says so.</summary>
    public const int DefaultNewTokens = 1024;

    private readonly Terminal _terminal;
    private readonly string _path;
    private readonly int? _endOfAnswer;
    private readonly GenerationOptions _assistant;
    private readonly bool _tellsLogprobs;

    /// <param name="terminal">Told what the checkpoint's settings do not do.</param>
    /// <param name="path">The model's folder or file.</param>
    /// <param name="given">What the command line gives.</param>
    /// <param name="endOfAnswer">The token that the template ends an answer with, if there is one.</param>
    /// <param name="tellsLogprobs">Whether log probabilities can be shown.</param>
    /// <exception cref="UsageException">A setting makes no sense.</exception>
    public ChatSampling(Terminal terminal, string path, GenerationOptions given, int? endOfAnswer, bool tellsLogprobs)
    {
        (_terminal, _path, _endOfAnswer, _tellsLogprobs) = (terminal, path, endOfAnswer, tellsLogprobs);
        _assistant = new GenerationOptions { AssistantModel = given.AssistantModel, AssistantTokenizer = given.AssistantTokenizer };
        Options = Complete(new TextOptions(new Command("chat"), DefaultNewTokens), given);
    }

    /// <summary>The options for the next answer.</summary>
    public GenerationOptions Options { get; private set; }

    /// <summary>Takes other options in place of all before.</summary>
    /// <param name="words">Options as on the command line.</param>
    /// <exception cref="UsageException">They make no sense.</exception>
    public void Change(string words)
    {
        var command = new Command("/sampling");
        var texts = new TextOptions(command, DefaultNewTokens);
        var parse = command.Parse([.. CommandLineParser.SplitCommandLine(words)]);
        if (parse.Errors is [var error, ..]) throw new UsageException(error.Message);
        Options = Complete(texts, texts.Read(parse, _assistant));
    }

    /// <summary>The options that are not as they are by default, as a <c>generation_config.json</c> has them.</summary>
    public IEnumerable<string> Describe()
    {
        var defaults = new GenerationOptions();
        foreach (var property in typeof(GenerationOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            // The same whatever the options are, and no text.
            if (property.Name is nameof(GenerationOptions.AssistantModel) or nameof(GenerationOptions.AssistantTokenizer)) continue;
            if (property.GetValue(Options) is not { } value || value.Equals(property.GetValue(defaults))) continue;
            if (value is not IEnumerable list || list.Cast<object>().Any()) yield return $"{NameOf(property)} {Text(value)}";
        }
    }

    // transformers tells of one token there, or of several.
    private static string NameOf(PropertyInfo property) => property.Name switch
    {
        nameof(GenerationOptions.EosTokenIds) => "eos_token_id",
        nameof(GenerationOptions.ForcedEosTokenIds) => "forced_eos_token_id",
        var name => JsonNamingPolicy.SnakeCaseLower.ConvertName(name),
    };

    private static string Text(object value) => value switch
    {
        string text => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"",
        bool or EarlyStopping => value.ToString()!.ToLowerInvariant(),
        SequenceBias(var ids, var bias) => $"[{Text(ids)}, {Text(bias)}]",
        ExponentialDecay(var start, var factor) => $"[{Text(start)}, {Text(factor)}]",
        IEnumerable list => $"[{string.Join(", ", list.Cast<object>().Select(Text))}]",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private GenerationOptions Complete(TextOptions texts, GenerationOptions given)
    {
        var options = texts.Complete(_terminal, _path, given);
        if (options.NumReturnSequences > 1) throw new UsageException("--num-return-sequences gives several texts, and an answer is one: leave it out");
        if (options.Logprobs is not null && !_tellsLogprobs) throw new UsageException("--logprobs tells nothing without --json: give both");
        return _endOfAnswer is { } id && !options.IgnoreEos ? options with { StopIds = [.. options.StopIds, id] } : options;
    }
}
