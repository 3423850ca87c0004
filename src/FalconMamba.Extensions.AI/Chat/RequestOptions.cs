using System.Globalization;
using FalconMamba.Extensions.AI.Observation;
using FalconMamba.Generation;
using Microsoft.Extensions.AI;

namespace FalconMamba.Extensions.AI.Chat;

/// <summary>Turns <see cref="ChatOptions"/> into <see cref="GenerationOptions"/>, and refuses what cannot be honoured.</summary>
internal static class RequestOptions
{
    // What has no name in ChatOptions, by transformers' names.
    private static readonly Dictionary<string, Func<GenerationOptions, object, GenerationOptions>> Named = new(StringComparer.Ordinal)
    {
        ["min_p"] = (o, value) => o with { MinP = Number(value) },
        ["typical_p"] = (o, value) => o with { TypicalP = Number(value) },
        ["repetition_penalty"] = (o, value) => o with { RepetitionPenalty = Number(value) },
        ["no_repeat_ngram_size"] = (o, value) => o with { NoRepeatNgramSize = Convert.ToInt32(value, CultureInfo.InvariantCulture) },
    };

    /// <summary>Reads the options.</summary>
    /// <param name="client">Who was asked.</param>
    /// <param name="engine">What will answer.</param>
    /// <param name="options">What is asked for; null for nothing in particular.</param>
    /// <exception cref="UnsupportedOptionException">An option cannot be honoured.</exception>
    public static GenerationOptions Read(IChatClient client, FalconMambaEngine engine, ChatOptions? options)
    {
        options ??= new ChatOptions();
        Refuse(engine, options);
        var given = Base(client, options);
        given = Set(given, nameof(options.MaxOutputTokens), options.MaxOutputTokens, (o, value) => o with { MaxNewTokens = value });
        if (options.StopSequences is { } stops) given = Guard(nameof(options.StopSequences), () => given with { StopStrings = [.. stops] });
        given = Set(given, nameof(options.FrequencyPenalty), options.FrequencyPenalty, (o, value) => o with { FrequencyPenalty = Exactly(value) });
        given = Set(given, nameof(options.PresencePenalty), options.PresencePenalty, (o, value) => o with { PresencePenalty = Exactly(value) });
        given = Set(given, nameof(options.TopK), options.TopK, (o, value) => o with { TopK = value });
        given = Set(given, nameof(options.TopP), options.TopP, (o, value) => o with { TopP = Exactly(value) });
        // A temperature of 0 means everywhere: no draw.
        given = Set(given, nameof(options.Temperature), options.Temperature, (o, value) => value == 0 ? o with { DoSample = false } : o with { Temperature = Exactly(value) });
        foreach (var (key, value) in options.AdditionalProperties ?? []) given = SetNamed(given, key, value);
        return Complete(engine, given, options.Seed);
    }

    // What the model's files and the engine say where the request does not.
    private static GenerationOptions Complete(FalconMambaEngine engine, GenerationOptions given, long? seed)
    {
        // Who narrows a draw wants one.
        if (given.DoSample is null && (given.Temperature ?? given.TopK ?? given.TopP ?? given.MinP ?? given.TypicalP) is not null) given = given with { DoSample = true };
        if (given.NumReturnSequences > 1 || given.NumBeams > 1)
            throw new UnsupportedOptionException(nameof(ChatOptions.RawRepresentationFactory), "The options ask for several sequences or beams, and a chat has one: leave num_return_sequences and num_beams out.");
        if (given.AssistantModel is not null || (given.PromptLookupNumTokens ?? given.MaxMatchingNgramSize) is not null)
            throw new UnsupportedOptionException(nameof(ChatOptions.RawRepresentationFactory), "The options ask for guessing ahead, and requests are answered together: leave assistant_model, prompt_lookup_num_tokens and max_matching_ngram_size out.");
        var (options, warnings) = engine.Generation.Complete(given);
        foreach (var warning in warnings) Log.SettingLeftOut(engine.Logger, engine.ModelId, warning);
        // A file's wish to guess ahead says how fast to answer and never what, and a batch has something else to fill its steps with.
        options = options with { PromptLookupNumTokens = null, MaxMatchingNgramSize = null };
        if (options.MaxNewTokens is null && options.MaxLength is null) options = options with { MaxNewTokens = engine.Options.MaxOutputTokens };
        if (seed is { } fixedSeed) options = options with { Seed = unchecked((ulong)fixedSeed) };
        else if (options is { DoSample: true, Seed: 0 }) options = options with { Seed = unchecked((ulong)Random.Shared.NextInt64()) };
        try
        {
            options.Check();
            return options;
        }
        catch (ArgumentException e)
        {
            var sentence = Sentence(e);
            throw new UnsupportedOptionException(NameIn(sentence), sentence, e);
        }
    }

    private static void Refuse(FalconMambaEngine engine, ChatOptions options)
    {
        if (options.ModelId is { } id && id != engine.ModelId)
            throw new UnsupportedOptionException(nameof(options.ModelId), $"ModelId is {id}, and this client has {engine.ModelId}: leave it out, or ask the other model's client.");
        if (options.ResponseFormat is not (null or ChatResponseFormatText))
            throw new UnsupportedOptionException(nameof(options.ResponseFormat), "Nothing holds the model to JSON: leave ResponseFormat out, and ask for JSON in the instructions.");
        if (options.Reasoning is not null)
            throw new UnsupportedOptionException(nameof(options.Reasoning), "The model has no settings for reasoning: leave Reasoning out.");
#pragma warning disable MEAI001 // Experimental there, but who sets it must be told.
        if (options.ContinuationToken is not null)
            throw new UnsupportedOptionException(nameof(options.ContinuationToken), "Nothing runs in the background here: leave ContinuationToken out.");
#pragma warning restore MEAI001
    }

    private static GenerationOptions Base(IChatClient client, ChatOptions options) => options.RawRepresentationFactory?.Invoke(client) switch
    {
        null => new GenerationOptions(),
        GenerationOptions own => own,
        var other => throw new UnsupportedOptionException(
            nameof(options.RawRepresentationFactory), $"RawRepresentationFactory gave {other.GetType().Name}: give {nameof(GenerationOptions)}, or null."),
    };

    private static GenerationOptions Set<T>(GenerationOptions options, string name, T? value, Func<GenerationOptions, T, GenerationOptions> set)
        where T : struct => value is { } given ? Guard(name, () => set(options, given)) : options;

    // The library checks values as they are set, and names them as transformers does.
    private static GenerationOptions Guard(string name, Func<GenerationOptions> set)
    {
        try
        {
            return set();
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            throw new UnsupportedOptionException(name, $"{name} cannot be used: {Sentence(e)}", e);
        }
    }

    private static GenerationOptions SetNamed(GenerationOptions options, string key, object? value)
    {
        if (!Named.TryGetValue(key, out var set))
        {
            throw new UnsupportedOptionException(
                key, $"There is no additional property {key}: give one of {string.Join(", ", Named.Keys)}, or all {nameof(GenerationOptions)} with RawRepresentationFactory.");
        }

        return value is null ? options : Guard(key, () => set(options, value));
    }

    private static double Number(object value) => value is float single ? Exactly(single) : Convert.ToDouble(value, CultureInfo.InvariantCulture);

    // 0.7f is meant to be 0.7, not 0.699999988.
    private static double Exactly(float value) => double.Parse(value.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static string Sentence(Exception e) => e.Message.Split('\n', 2)[0].Split(" (Parameter '", 2)[0];

    // The library's sentences begin with a setting's name.
    private static string NameIn(string sentence) => sentence.Split(' ', 2)[0] switch
    {
        "temperature" => nameof(ChatOptions.Temperature),
        "top_p" => nameof(ChatOptions.TopP),
        "top_k" => nameof(ChatOptions.TopK),
        var other => other,
    };
}
