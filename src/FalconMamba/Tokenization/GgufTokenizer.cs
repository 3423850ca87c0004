using System.Collections.Immutable;
using FalconMamba.Formats;
using FalconMamba.Formats.Gguf;
using FalconMamba.Tokenization.Normalizers;
using FalconMamba.Tokenization.PreTokenizers;
using FalconMamba.Tokenization.Unicode;

namespace FalconMamba.Tokenization;

/// <summary>
/// Reads the vocabulary inside a GGUF file. The file has tokens, their kinds and merges; what cuts a text before merging it
/// only names, so those names stand here for what the original <c>tokenizer.json</c> does.
/// </summary>
internal sealed class GgufTokenizer
{
    private const string Prefix = "tokenizer.ggml.", ModelKey = Prefix + "model", MergesKey = Prefix + "merges", TemplateKey = "tokenizer.chat_template";

    // The kinds of tokens that matter here; normal tokens and bytes are entries of the vocabulary and no more.
    private const int Unknown = 2, Control = GgufTokens.Control, UserDefined = 4, Unused = 5;

    private readonly GgufFile _file;
    private readonly List<string> _tokens = [];
    private readonly Dictionary<string, int> _vocabulary = new(StringComparer.Ordinal);
    private readonly List<AddedToken> _addedTokens = [];

    private GgufTokenizer(GgufFile file) => _file = file;

    /// <summary>Whether a file has a tokenizer, of whatever kind.</summary>
    public static bool IsIn(GgufFile file) => file.Metadata.ContainsKey(ModelKey);

    /// <summary>Reads a file's tokenizer and what stands beside it.</summary>
    /// <exception cref="MalformedFileException">The file has no tokenizer, one of another kind, or a broken one.</exception>
    public static (TokenizerModel Model, TokenizerConfig Config) Read(GgufFile file)
    {
        var reader = new GgufTokenizer(file);
        var kind = reader.Required(ModelKey);
        if (kind.ToText() is var name && name != "gpt2") throw kind.Fault($"the byte-level vocabulary \"gpt2\" was expected, found \"{Excerpt.Of(name)}\"");
        reader.ReadTokens();
        return (reader.ReadModel(), reader.ReadConfig());
    }

    private void ReadTokens()
    {
        var tokens = Required(GgufTokens.TokensKey);
        var kinds = _file.Metadata.TryGetValue(GgufTokens.KindsKey, out var given) ? given : (GgufValue?)null;
        if (kinds is { } list && list.Count != tokens.Count) throw list.Fault($"{tokens.Count} kinds were expected, one a token, found {list.Count}");
        using var kind = kinds?.Items.GetEnumerator();
        foreach (var token in tokens.Items)
        {
            var id = _tokens.Count;
            var text = token.ToText();
            _tokens.Add(text);
            AddToken(token, id, text, kind is not null && kind.MoveNext() ? kind.Current.ToInt64() : 1);
        }
    }

    private void AddToken(GgufValue token, int id, string text, long kind)
    {
        // Rows without a meaning, which fill the embedding up to a round number.
        if (kind == Unused) return;
        if (!_vocabulary.TryAdd(text, id)) throw token.Fault($"tokens that differ were expected, but {_vocabulary[text]} and {id} are the same");
        if (kind is not (Unknown or Control or UserDefined)) return;
        if (text.Length == 0) throw token.Fault($"a text was expected for token {id}, which is cut out of the input as a whole, it is empty");
        _addedTokens.Add(new AddedToken(id, text) { Special = kind != UserDefined, Normalized = kind == UserDefined });
    }

    private TokenizerModel ReadModel()
    {
        var pre = Required($"{Prefix}pre");
        var spaced = Flag("add_space_prefix");
        var model = new TokenizerModel
        {
            Vocabulary = _vocabulary,
            Merges = ReadMerges(),
            AddedTokens = _addedTokens,
            PreTokenizer = new ByteLevelPreTokenizer(spaced, useRegex: true),
            OffsetTrimming = OffsetTrimming.Trim,
            Prefix = Flag("add_bos_token") ? [Named(GgufTokens.Bos(_file), "bos_token_id")] : [],
            Suffix = Flag("add_eos_token") ? [Named(GgufTokens.Eos(_file), "eos_token_id")] : [],
        };
        return pre.ToText() switch
        {
            "falcon" => model with { PreTokenizer = FalconPreTokenizer(spaced) },
            "gpt-2" => model with { OffsetTrimming = OffsetTrimming.None },

            // GPT-NeoX's vocabulary under the names of the models that took it over.
            "gpt-neox" or "olmo" or "mpt" => model with { Normalizer = new UnicodeNormalizer(System.Text.NormalizationForm.FormC) },
            var other => throw pre.Fault($"falcon, gpt-2, gpt-neox, olmo or mpt was expected, found \"{Excerpt.Of(other)}\""),
        };
    }

    // As in Falcon's tokenizer.json.
    private static PreTokenizerSequence FalconPreTokenizer(bool addPrefixSpace) => new(
    [
        new SplitPreTokenizer(new CharacterClassPattern(CharacterClass.Punctuation), SplitBehavior.Contiguous),
        new ByteLevelPreTokenizer(addPrefixSpace, useRegex: true),
        new SplitPreTokenizer(new CharacterClassPattern(CharacterClass.Numeric), SplitBehavior.Contiguous),
        new SplitPreTokenizer(new ThreeDigitsPattern(), SplitBehavior.Isolated),
    ]);

    private List<Merge> ReadMerges()
    {
        var merges = new List<Merge>();
        foreach (var merge in Required(MergesKey).Items)
        {
            var text = merge.ToText();
            var space = text.Length > 1 ? text.IndexOf(' ', 1) : -1;
            if (space < 0) throw merge.Fault($"two tokens with a space between were expected, found \"{Excerpt.Of(text)}\"");
            merges.Add(new Merge(IdOf(text[..space]), IdOf(text[(space + 1)..]), IdOf(string.Concat(text.AsSpan(0, space), text.AsSpan(space + 1)))));

            int IdOf(string token) => _vocabulary.TryGetValue(token, out var id)
                ? id
                : throw merge.Fault($"tokens of the vocabulary were expected, but it lacks \"{Excerpt.Of(token)}\"");
        }

        return merges;
    }

    private TokenizerConfig ReadConfig() => new()
    {
        BosToken = TokenOf(GgufTokens.Bos(_file), "bos_token_id"),
        EosToken = TokenOf(GgufTokens.Eos(_file), "eos_token_id"),
        PadToken = TokenOf(GgufTokens.Pad(_file), "padding_token_id"),
        UnkToken = TokenOf(GgufTokens.Unknown(_file), "unknown_token_id"),
        ChatTemplate = _file.Metadata.TryGetValue(TemplateKey, out var template) ? template.ToText() : null,
        NamedChatTemplates = _file.Metadata
            .Where(static entry => entry.Key.StartsWith(TemplateKey + ".", StringComparison.Ordinal))
            .ToImmutableDictionary(static entry => entry.Key[(TemplateKey.Length + 1)..], static entry => entry.Value.ToText(), StringComparer.Ordinal),
    };

    private int Named(int? id, string key) => TokenOf(id, key) is not null ? id!.Value : throw Required(Prefix + key).Fault("a token was expected, there is none");

    private string? TokenOf(int? id, string key)
    {
        if (id is not { } place) return null;
        return place < _tokens.Count && _vocabulary.ContainsKey(_tokens[place])
            ? _tokens[place]
            : throw Required(Prefix + key).Fault($"a token below {_tokens.Count} was expected, found {place}");
    }

    private bool Flag(string key) => _file.Metadata.TryGetValue(Prefix + key, out var value) && value.ToBoolean();

    private GgufValue Required(string key) => _file.Metadata.TryGetValue(key, out var value)
        ? value
        : throw new MalformedFileException(_file.Path, $"key {key}", "the key was expected, it is missing");
}
