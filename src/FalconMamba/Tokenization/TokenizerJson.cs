using System.Text.Json;
using FalconMamba.Tokenization.PreTokenizers;

namespace FalconMamba.Tokenization;

/// <summary>
/// Reads <c>tokenizer.json</c> of the Hugging Face tokenizers library: byte-level BPE with everything that Falcon, GPT-2,
/// GPT-NeoX and their like use. What it does not know it refuses, because ids that are almost right are worse than none.
/// </summary>
internal static class TokenizerJson
{
    /// <summary>A file may be this long; the largest published ones have a tenth.</summary>
    public const int MaxBytes = 1 << 28;

    // Ids may have gaps, but tables by id have to stay in proportion to the file.
    private const int MaxIdsPerToken = 4;
    private const int MaxUnusedIds = 1 << 16;

    /// <summary>Reads a file's content.</summary>
    /// <exception cref="MalformedFileException">The content is not such a file, or uses what is not supported.</exception>
    public static TokenizerModel Read(ReadOnlyMemory<byte> json, string file) => JsonPlace.Read(json, file, ReadRoot);

    private static TokenizerModel ReadRoot(JsonPlace root)
    {
        // Truncation and padding belong to a call, not to a vocabulary; transformers puts its own in their place too.
        root.AllowOnly("version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model");
        if (root.Find("version") is { } version && version.Text() != "1.0") throw version.Wrong("the version \"1.0\" was expected");
        var model = root.Get("model");
        model.AllowOnly(
            "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges");
        if (model.Find("type") is { } type && type.Text() != "BPE") throw type.Wrong("the type \"BPE\" was expected");
        if (model.Find("dropout") is { } dropout && !IsZero(dropout.Element)) throw dropout.Expected("null or 0");
        RefuseAffix(model, "continuing_subword_prefix");
        RefuseAffix(model, "end_of_word_suffix");
        if (model.Flag("byte_fallback")) throw model.Get("byte_fallback").Expected("false");

        var vocabulary = ReadVocabulary(model.Get("vocab"));
        var addedTokens = ReadAddedTokens(root, vocabulary);
        CheckIds(root, vocabulary, addedTokens);
        ReadDecoder(root.Get("decoder"));
        var postProcessing = root.Find("post_processor") is { } processor ? TokenizerComponents.ReadPostProcessor(processor) : new PostProcessing();
        return new TokenizerModel
        {
            Vocabulary = vocabulary,
            Merges = ReadMerges(model.Get("merges"), vocabulary),
            AddedTokens = addedTokens,
            Normalizer = root.Find("normalizer") is { } normalizer ? TokenizerComponents.ReadNormalizer(normalizer) : null,
            PreTokenizer = ReadPreTokenizer(root.Get("pre_tokenizer")),
            UnknownId = ReadUnknownId(model, vocabulary),
            FuseUnknown = model.Flag("fuse_unk"),
            IgnoreMerges = model.Flag("ignore_merges"),
            OffsetTrimming = postProcessing.OffsetTrimming,
            Prefix = CheckKnown(root, postProcessing.Prefix, vocabulary, addedTokens),
            Suffix = CheckKnown(root, postProcessing.Suffix, vocabulary, addedTokens),
        };
    }

    private static bool IsZero(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number == 0;

    // Old files write "" where newer ones write null.
    private static void RefuseAffix(JsonPlace model, string key)
    {
        if (model.Find(key) is { } affix && affix.Text().Length > 0) throw affix.Wrong("null was expected, for byte-level tokens have no affixes");
    }

    private static int? ReadUnknownId(JsonPlace model, Dictionary<string, int> vocabulary)
    {
        if (model.Find("unk_token") is not { } token || token.Text().Length == 0) return null;
        return vocabulary.TryGetValue(token.Text(), out var id) ? id : throw token.Wrong("a token of the vocabulary was expected");
    }

    private static Dictionary<string, int> ReadVocabulary(JsonPlace vocab)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        var ids = new HashSet<int>();
        foreach (var (token, value) in vocab.Members())
        {
            var id = value.Id();
            if (!ids.Add(id)) throw value.Wrong($"an id of its own was expected, but another token has {id} too");
            vocabulary.Add(token, id);
        }

        return vocabulary;
    }

    private static List<Merge> ReadMerges(JsonPlace merges, Dictionary<string, int> vocabulary)
    {
        var list = new List<Merge>();
        foreach (var merge in merges.Items())
        {
            var (left, right) = ReadPair(merge);
            list.Add(new Merge(IdOf(left), IdOf(right), IdOf(left + right)));

            int IdOf(string token) => vocabulary.TryGetValue(token, out var id)
                ? id
                : throw merge.Wrong($"tokens of the vocabulary were expected, but it lacks \"{Shorten(token)}\"");
        }

        return list;
    }

    // The old form is one string with a space between, the new one a pair of strings.
    private static (string Left, string Right) ReadPair(JsonPlace merge)
    {
        if (!merge.IsArray)
            return merge.Text().Split(' ') is [var left, var right] ? (left, right) : throw merge.Wrong("two tokens with one space between were expected");
        return merge.Items().ToArray() is [var first, var second] ? (first.Text(), second.Text()) : throw merge.Wrong("two tokens were expected");
    }

    private static List<AddedToken> ReadAddedTokens(JsonPlace root, Dictionary<string, int> vocabulary)
    {
        var tokens = new List<AddedToken>();
        var contents = new HashSet<string>(StringComparer.Ordinal);
        var ids = vocabulary.Values.ToHashSet();
        foreach (var item in root.Find("added_tokens")?.Items() ?? [])
        {
            item.AllowOnly("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special");
            var token = TokenizerComponents.ReadAddedToken(item, item.Get("id").Id());
            var isKnown = vocabulary.TryGetValue(token.Content, out var id);
            if (isKnown && id != token.Id) throw item.Wrong($"the id {id} was expected, which the vocabulary gives to this token, but it is {token.Id}");
            if (!isKnown && !ids.Add(token.Id)) throw item.Wrong($"an id of its own was expected, but another token has {token.Id} too");
            if (!contents.Add(token.Content)) throw item.Wrong("a token that is not in the list yet was expected");
            tokens.Add(token);
        }

        return tokens;
    }

    private static void CheckIds(JsonPlace root, Dictionary<string, int> vocabulary, List<AddedToken> addedTokens)
    {
        var highest = Math.Max(vocabulary.Values.DefaultIfEmpty(-1).Max(), addedTokens.Select(static token => token.Id).DefaultIfEmpty(-1).Max());
        var bound = ((long)MaxIdsPerToken * (vocabulary.Count + addedTokens.Count)) + MaxUnusedIds;
        if (highest >= bound) throw root.Wrong($"ids below {bound} were expected for so few tokens, but there is the id {highest}");
    }

    private static List<int> CheckKnown(JsonPlace root, List<int> ids, Dictionary<string, int> vocabulary, List<AddedToken> addedTokens)
    {
        if (ids.Count == 0) return ids;
        var known = vocabulary.Values.Concat(addedTokens.Select(static token => token.Id)).ToHashSet();
        foreach (var id in ids)
            if (!known.Contains(id)) throw root.Get("post_processor").Wrong($"ids of the vocabulary were expected, but there is {id}");
        return ids;
    }

    private static PreTokenizer ReadPreTokenizer(JsonPlace preTokenizer)
    {
        var steps = TokenizerComponents.ReadPreTokenizers(preTokenizer).ToList();
        if (steps.Count(static step => step is ByteLevelPreTokenizer) != 1)
            throw preTokenizer.Wrong("one ByteLevel step was expected, for only byte-level vocabularies are supported");
        return steps is [var only] ? only : new PreTokenizerSequence(steps);
    }

    private static void ReadDecoder(JsonPlace decoder)
    {
        var type = decoder.Get("type");
        if (type.Text() != "ByteLevel") throw type.Wrong("the type \"ByteLevel\" was expected");
        decoder.AllowOnly("type", "add_prefix_space", "trim_offsets", "use_regex");
    }

    private static string Shorten(string token) => token.Length <= 40 ? token : token[..40] + "…";
}
