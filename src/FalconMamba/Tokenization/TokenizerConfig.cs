using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace FalconMamba.Tokenization;

/// <summary>
/// What stands beside <c>tokenizer.json</c> in a model's folder: <c>tokenizer_config.json</c> in its older or newer form,
/// <c>special_tokens_map.json</c>, <c>chat_template.jinja</c> or <c>chat_template.json</c>, and further templates below
/// <c>additional_chat_templates</c>, each of which may be missing.
/// </summary>
public sealed record TokenizerConfig
{
    private const int MaxBytes = 1 << 26;

    // transformers writes 1e30 for "no bound".
    private const double Unbounded = 1e18;

    private const string DefaultTemplate = "default";

    /// <summary>The token that starts a text.</summary>
    public string? BosToken { get; init; }

    /// <summary>The token that ends a text.</summary>
    public string? EosToken { get; init; }

    /// <summary>The token that fills short rows of a batch.</summary>
    public string? PadToken { get; init; }

    /// <summary>The token for what has none.</summary>
    public string? UnkToken { get; init; }

    /// <summary>Further special tokens.</summary>
    public ImmutableArray<string> AdditionalSpecialTokens { get; init; } = [];

    /// <summary>Added tokens as the older form of the file repeats them; their flags rule over those of tokenizer.json.</summary>
    public ImmutableArray<AddedToken> AddedTokens { get; init; } = [];

    /// <summary>The Jinja source of the default chat template.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>The Jinja sources of further chat templates, by name.</summary>
    public ImmutableDictionary<string, string> NamedChatTemplates { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>The side where short rows of a batch are filled.</summary>
    public SequenceSide PaddingSide { get; init; } = SequenceSide.Right;

    /// <summary>The longest text in tokens; null for no bound.</summary>
    public long? ModelMaxLength { get; init; }

    /// <summary>Reads the files of a folder.</summary>
    /// <exception cref="MalformedFileException">A file does not hold what it should.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static TokenizerConfig FromFolder(string folder)
    {
        var config = Path.Combine(folder, "tokenizer_config.json") is var configPath && File.Exists(configPath)
            ? Parse(BoundedFile.Read(configPath, MaxBytes), configPath)
            : new TokenizerConfig();
        if (Path.Combine(folder, "special_tokens_map.json") is var mapPath && File.Exists(mapPath))
            config = config.Complete(Parse(BoundedFile.Read(mapPath, MaxBytes), mapPath));
        return config.CompleteTemplates(folder);
    }

    /// <summary>Reads the content of <c>tokenizer_config.json</c>, or of <c>special_tokens_map.json</c>, which has some of its keys.</summary>
    /// <param name="json">The content.</param>
    /// <param name="fileName">The name for messages.</param>
    /// <exception cref="MalformedFileException">The content is not such a file.</exception>
    public static TokenizerConfig Parse(ReadOnlyMemory<byte> json, string fileName) => JsonPlace.Read(json, fileName, static root =>
    {
        var templates = ReadTemplates(root.Find("chat_template"));
        return new TokenizerConfig
        {
            BosToken = ReadToken(root.Find("bos_token")),
            EosToken = ReadToken(root.Find("eos_token")),
            PadToken = ReadToken(root.Find("pad_token")),
            UnkToken = ReadToken(root.Find("unk_token")),
            AdditionalSpecialTokens = [.. ReadTokens(root.Find("additional_special_tokens")), .. ReadTokens(root.Find("extra_special_tokens"))],
            AddedTokens = [.. root.Find("added_tokens_decoder")?.Members().Select(static member => ReadAddedToken(member.Key, member.Value)) ?? []],
            ChatTemplate = templates.GetValueOrDefault(DefaultTemplate),
            NamedChatTemplates = templates.Remove(DefaultTemplate),
            PaddingSide = ReadSide(root.Find("padding_side")),
            ModelMaxLength = ReadLength(root.Find("model_max_length")),
        };
    });

    /// <summary>The special tokens that have a name or are listed.</summary>
    internal IEnumerable<string> SpecialTokens =>
        new[] { BosToken, EosToken, PadToken, UnkToken }.OfType<string>().Concat(AdditionalSpecialTokens).Distinct(StringComparer.Ordinal);

    // Another file's tokens where this one names none.
    private TokenizerConfig Complete(TokenizerConfig other) => this with
    {
        BosToken = BosToken ?? other.BosToken,
        EosToken = EosToken ?? other.EosToken,
        PadToken = PadToken ?? other.PadToken,
        UnkToken = UnkToken ?? other.UnkToken,
        AdditionalSpecialTokens = AdditionalSpecialTokens.IsEmpty ? other.AdditionalSpecialTokens : AdditionalSpecialTokens,
    };

    // Templates in files of their own, which rule over those in tokenizer_config.json; the JSON file is the older form.
    private TokenizerConfig CompleteTemplates(string folder)
    {
        var config = this;
        if (Path.Combine(folder, "chat_template.json") is var jsonPath && config.ChatTemplate is null && File.Exists(jsonPath))
        {
            var other = Parse(BoundedFile.Read(jsonPath, MaxBytes), jsonPath);
            config = config with { ChatTemplate = other.ChatTemplate, NamedChatTemplates = config.NamedChatTemplates.SetItems(other.NamedChatTemplates) };
        }

        if (Path.Combine(folder, "chat_template.jinja") is var jinjaPath && File.Exists(jinjaPath)) config = config with { ChatTemplate = ReadText(jinjaPath) };
        if (Path.Combine(folder, "additional_chat_templates") is var more && Directory.Exists(more))
        {
            var named = Directory.EnumerateFiles(more, "*.jinja").Select(static path => KeyValuePair.Create(Path.GetFileNameWithoutExtension(path), ReadText(path)));
            config = config with { NamedChatTemplates = config.NamedChatTemplates.SetItems(named) };
        }

        return config;
    }

    private static string ReadText(string path) => Encoding.UTF8.GetString(BoundedFile.Read(path, MaxBytes));

    // A token is its text, or an object with the text and flags.
    private static string? ReadToken(JsonPlace? token) => token is { IsObject: true } described ? described.Get("content").Text() : token?.Text();

    // A list, or in newer files an object of names and tokens.
    private static IEnumerable<string> ReadTokens(JsonPlace? tokens) => tokens switch
    {
        null => [],
        { IsObject: true } named => named.Members().Select(static member => ReadToken(member.Value)!),
        { } list => list.Items().Select(static token => ReadToken(token)!),
    };

    private static AddedToken ReadAddedToken(string key, JsonPlace token) =>
        int.TryParse(key, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var id)
            ? TokenizerComponents.ReadAddedToken(token, id)
            : throw token.Wrong("an id for a key was expected");

    private static ImmutableDictionary<string, string> ReadTemplates(JsonPlace? template)
    {
        var templates = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        if (template is { IsArray: true } list)
        {
            foreach (var item in list.Items())
                if (!templates.TryAdd(item.Get("name").Text(), item.Get("template").Text())) throw item.Wrong("a name of its own was expected");
        }
        else if (template is { } single)
        {
            templates.Add(DefaultTemplate, single.Text());
        }

        return templates.ToImmutable();
    }

    private static SequenceSide ReadSide(JsonPlace? side) => side?.Text() switch
    {
        null or "right" => SequenceSide.Right,
        "left" => SequenceSide.Left,
        _ => throw side.Value.Wrong("\"left\" or \"right\" was expected"),
    };

    private static long? ReadLength(JsonPlace? length)
    {
        if (length is not { } given) return null;
        if (given.Element.ValueKind != JsonValueKind.Number || !given.Element.TryGetDouble(out var value) || !(value >= 1))
            throw given.Expected("a length of at least 1");
        return value < Unbounded ? (long)value : null;
    }
}
