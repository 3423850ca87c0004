using System.Text;
using System.Text.RegularExpressions;
using FalconMamba.Tokenization.Normalizers;
using FalconMamba.Tokenization.PreTokenizers;
using FalconMamba.Tokenization.Unicode;

namespace FalconMamba.Tokenization;

/// <summary>What a post-processor asks for.</summary>
internal sealed record PostProcessing
{
    /// <summary>How white space counts in offsets.</summary>
    public OffsetTrimming OffsetTrimming { get; init; }

    /// <summary>Ids before the text.</summary>
    public List<int> Prefix { get; init; } = [];

    /// <summary>Ids after the text.</summary>
    public List<int> Suffix { get; init; } = [];
}

/// <summary>Reads the typed components of <c>tokenizer.json</c>.</summary>
internal static class TokenizerComponents
{
    /// <summary>Reads an added token's flags; the id stands inside it or is the key it stands under.</summary>
    public static AddedToken ReadAddedToken(JsonPlace token, int id) => new(id, token.Get("content").Text())
    {
        SingleWord = token.Flag("single_word"),
        LeftStrip = token.Flag("lstrip"),
        RightStrip = token.Flag("rstrip"),
        Special = token.Flag("special"),
        Normalized = token.Flag("normalized", absent: !token.Flag("special")),
    };

    /// <summary>Reads a normalizer.</summary>
    public static Normalizer ReadNormalizer(JsonPlace normalizer)
    {
        var type = normalizer.Get("type");
        switch (type.Text())
        {
            case "Sequence":
                normalizer.AllowOnly("type", "normalizers");
                return new NormalizerSequence([.. normalizer.Get("normalizers").Items().Select(ReadNormalizer)]);
            case "NFC": return Plain(new UnicodeNormalizer(NormalizationForm.FormC));
            case "NFD": return Plain(new UnicodeNormalizer(NormalizationForm.FormD));
            case "NFKC": return Plain(new UnicodeNormalizer(NormalizationForm.FormKC));
            case "NFKD": return Plain(new UnicodeNormalizer(NormalizationForm.FormKD));
            case "Lowercase": return Plain(new LowercaseNormalizer());
            default: throw type.Wrong("Sequence, NFC, NFD, NFKC, NFKD or Lowercase was expected");
        }

        Normalizer Plain(Normalizer read)
        {
            normalizer.AllowOnly("type");
            return read;
        }
    }

    /// <summary>Reads a pre-tokenizer as the steps it consists of.</summary>
    public static IEnumerable<PreTokenizer> ReadPreTokenizers(JsonPlace preTokenizer)
    {
        var type = preTokenizer.Get("type");
        switch (type.Text())
        {
            case "Sequence":
                preTokenizer.AllowOnly("type", "pretokenizers");
                return preTokenizer.Get("pretokenizers").Items().SelectMany(ReadPreTokenizers);
            case "ByteLevel":
                preTokenizer.AllowOnly("type", "add_prefix_space", "trim_offsets", "use_regex");
                return [new ByteLevelPreTokenizer(preTokenizer.Flag("add_prefix_space", absent: true), preTokenizer.Flag("use_regex", absent: true))];
            case "Punctuation":
                preTokenizer.AllowOnly("type", "behavior");
                var behavior = preTokenizer.Find("behavior") is { } given ? ReadBehavior(given) : SplitBehavior.Isolated;
                return [new SplitPreTokenizer(new CharacterClassPattern(CharacterClass.Punctuation), behavior)];
            case "Digits":
                preTokenizer.AllowOnly("type", "individual_digits");
                var cut = preTokenizer.Flag("individual_digits") ? SplitBehavior.Isolated : SplitBehavior.Contiguous;
                return [new SplitPreTokenizer(new CharacterClassPattern(CharacterClass.Numeric), cut)];
            case "Split":
                preTokenizer.AllowOnly("type", "pattern", "behavior", "invert");
                return [new SplitPreTokenizer(ReadPattern(preTokenizer.Get("pattern")), ReadBehavior(preTokenizer.Get("behavior")), preTokenizer.Flag("invert"))];
            default:
                throw type.Wrong("Sequence, ByteLevel, Punctuation, Digits or Split was expected");
        }
    }

    /// <summary>Reads a post-processor.</summary>
    public static PostProcessing ReadPostProcessor(JsonPlace processor)
    {
        var type = processor.Get("type");
        switch (type.Text())
        {
            case "Sequence":
                processor.AllowOnly("type", "processors");
                return processor.Get("processors").Items().Select(ReadPostProcessor).Aggregate(new PostProcessing(), static (all, next) => new PostProcessing
                {
                    OffsetTrimming = next.OffsetTrimming == OffsetTrimming.None ? all.OffsetTrimming : next.OffsetTrimming,
                    Prefix = [.. next.Prefix, .. all.Prefix],
                    Suffix = [.. all.Suffix, .. next.Suffix],
                });
            case "ByteLevel":
                processor.AllowOnly("type", "add_prefix_space", "trim_offsets", "use_regex");
                var afterPrefixSpace = processor.Flag("add_prefix_space", absent: true);
                return new PostProcessing
                {
                    OffsetTrimming = !processor.Flag("trim_offsets", absent: true) ? OffsetTrimming.None
                        : afterPrefixSpace ? OffsetTrimming.TrimAfterPrefixSpace : OffsetTrimming.Trim,
                };
            case "TemplateProcessing":
                processor.AllowOnly("type", "single", "pair", "special_tokens");
                return ReadTemplate(processor);
            default:
                throw type.Wrong("Sequence, ByteLevel or TemplateProcessing was expected");
        }
    }

    // The template of a single text: special tokens around the one sequence A. Pairs of texts do not occur here.
    private static PostProcessing ReadTemplate(JsonPlace processor)
    {
        var result = new PostProcessing();
        var single = processor.Get("single");
        var sequences = 0;
        foreach (var item in single.Items())
        {
            item.AllowOnly("SpecialToken", "Sequence");
            if (item.Find("Sequence") is { } sequence)
            {
                if (sequence.Get("id") is var id && id.Text() != "A") throw id.Wrong("the sequence \"A\" was expected");
                sequences++;
                continue;
            }

            var name = item.Get("SpecialToken").Get("id").Text();
            var ids = processor.Get("special_tokens").Get(name).Get("ids").Items().Select(static id => id.Id());
            (sequences == 0 ? result.Prefix : result.Suffix).AddRange(ids);
        }

        return sequences == 1 ? result : throw single.Wrong($"the sequence \"A\" was expected once, but it occurs {sequences} times");
    }

    private static SplitBehavior ReadBehavior(JsonPlace behavior) =>
        behavior.Text() is var name && Enum.GetNames<SplitBehavior>().Contains(name, StringComparer.Ordinal)
            ? Enum.Parse<SplitBehavior>(name)
            : throw behavior.Wrong($"{string.Join(", ", Enum.GetNames<SplitBehavior>())} was expected");

    private static SplitPattern ReadPattern(JsonPlace pattern)
    {
        pattern.AllowOnly("String", "Regex");
        if (pattern.Find("String") is { } literal)
            return literal.Text() is { Length: > 0 } text ? new LiteralPattern(text) : throw literal.Wrong("a text of at least one character was expected");

        var regex = pattern.Get("Regex");
        switch (regex.Text())
        {
            case Gpt2Pattern.Expression: return new Gpt2Pattern();
            case ThreeDigitsPattern.Expression: return new ThreeDigitsPattern();
            case var expression:
                try
                {
                    return new RegexPattern(expression);
                }
                catch (RegexParseException e)
                {
                    throw regex.Wrong($"a regular expression of .NET was expected, but there is {e.Error} at its character {e.Offset}");
                }
        }
    }
}
