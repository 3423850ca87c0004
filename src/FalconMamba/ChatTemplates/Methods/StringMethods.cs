using System.Collections.Frozen;
using System.Numerics;
using System.Text;
using FalconMamba.ChatTemplates.Formatting;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Methods;

/// <summary>The methods of strings.</summary>
internal static class StringMethods
{
    private static readonly FrozenDictionary<string, Func<Text, Arguments, object?>> Table = new Dictionary<string, Func<Text, Arguments, object?>>
    {
        ["capitalize"] = static (text, _) => LetterCase.Capitalize(text),
        ["casefold"] = static (text, _) => LetterCase.Fold(text),
        ["center"] = static (text, arguments) => Pad(text, arguments, "center", static (width, length) => (width - length) / 2 + ((width - length) & width & 1)),
        ["count"] = static (text, arguments) => Count(text, arguments),
        ["encode"] = static (text, arguments) => Encode(text, arguments),
        ["endswith"] = static (text, arguments) => HasEnd(text, arguments, "endswith", static (part, end) => part.EndsWith(end, StringComparison.Ordinal)),
        ["expandtabs"] = static (text, arguments) => ExpandTabs(text, arguments),
        ["find"] = static (text, arguments) => Find(text, arguments, "find", fromEnd: false),
        ["format"] = static (text, arguments) => FieldFormat.Apply(text, arguments),
        ["format_map"] = static (text, arguments) => FieldFormat.ApplyMap(text, arguments),
        ["index"] = static (text, arguments) => Index(text, arguments, "index", fromEnd: false),
        ["isalnum"] = static (text, _) => All(text, Characters.IsAlphanumeric),
        ["isalpha"] = static (text, _) => All(text, Characters.IsAlpha),
        ["isascii"] = static (text, _) => Ascii.IsValid(text.Value),
        ["isdecimal"] = static (text, _) => All(text, static code => !Characters.IsSurrogate(code) && Characters.IsDecimal(code)),
        ["isdigit"] = static (text, _) => All(text, static code => !Characters.IsSurrogate(code) && Characters.IsDigit(code)),
        ["isidentifier"] = static (text, _) => IsIdentifier(text),
        ["islower"] = static (text, _) => IsLower(text),
        ["isnumeric"] = static (text, _) => All(text, static code => !Characters.IsSurrogate(code) && Characters.IsNumeric(code)),
        ["isprintable"] = static (text, _) => text.Value.Length == 0 || All(text, Characters.IsPrintable),
        ["isspace"] = static (text, _) => All(text, static code => code < 0x10000 && Characters.IsSpace((char)code)),
        ["istitle"] = static (text, _) => IsTitle(text),
        ["isupper"] = static (text, _) => IsUpper(text),
        ["join"] = static (text, arguments) => Join(text, arguments),
        ["ljust"] = static (text, arguments) => Pad(text, arguments, "ljust", static (_, _) => 0),
        ["lower"] = static (text, _) => LetterCase.Lower(text),
        ["lstrip"] = static (text, arguments) => Strip(text, arguments, "lstrip", start: true, end: false),
        ["partition"] = static (text, arguments) => Partition(text, arguments, "partition", fromEnd: false),
        ["removeprefix"] = static (text, arguments) => Remove(text, arguments, "removeprefix", prefix: true),
        ["removesuffix"] = static (text, arguments) => Remove(text, arguments, "removesuffix", prefix: false),
        ["replace"] = static (text, arguments) => Replace(text, arguments),
        ["rfind"] = static (text, arguments) => Find(text, arguments, "rfind", fromEnd: true),
        ["rindex"] = static (text, arguments) => Index(text, arguments, "rindex", fromEnd: true),
        ["rjust"] = static (text, arguments) => Pad(text, arguments, "rjust", static (width, length) => width - length),
        ["rpartition"] = static (text, arguments) => Partition(text, arguments, "rpartition", fromEnd: true),
        ["rsplit"] = static (text, arguments) => Split(text, arguments, "rsplit", fromEnd: true),
        ["rstrip"] = static (text, arguments) => Strip(text, arguments, "rstrip", start: false, end: true),
        ["split"] = static (text, arguments) => Split(text, arguments, "split", fromEnd: false),
        ["splitlines"] = static (text, arguments) => SplitLines(text, arguments),
        ["startswith"] = static (text, arguments) => HasEnd(text, arguments, "startswith", static (part, start) => part.StartsWith(start, StringComparison.Ordinal)),
        ["strip"] = static (text, arguments) => Strip(text, arguments, "strip", start: true, end: true),
        ["swapcase"] = static (text, _) => LetterCase.Swap(text),
        ["title"] = static (text, _) => LetterCase.Title(text),
        ["translate"] = static (text, arguments) => Translate(text, arguments),
        ["upper"] = static (text, _) => LetterCase.Upper(text),
        ["zfill"] = static (text, arguments) => FillZeros(text, arguments),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenSet<string> WithoutArguments = FrozenSet.Create(
        "capitalize", "casefold", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable", "isspace", "istitle",
        "isupper", "lower", "swapcase", "title", "upper");

    /// <summary>A method by its name.</summary>
    public static Func<Text, Arguments, object?>? Find(string name) =>
        Table.TryGetValue(name, out var method) ? (text, arguments) => Call(name, method, text, arguments) : null;

    /// <summary>Whether a text has cased letters and all are lower case.</summary>
    public static bool IsLower(Text text) =>
        Characters.CodePoints(text.Value).Where(LetterCase.IsCased).ToList() is { Count: > 0 } cased && cased.TrueForAll(LetterCase.IsLower);

    /// <summary>Whether a text has cased letters and all are upper case.</summary>
    public static bool IsUpper(Text text) =>
        Characters.CodePoints(text.Value).Where(LetterCase.IsCased).ToList() is { Count: > 0 } cased && cased.TrueForAll(LetterCase.IsUpper);

    private static object? Call(string name, Func<Text, Arguments, object?> method, Text text, Arguments arguments)
    {
        if (WithoutArguments.Contains(name)) arguments.Bind(name);
        Budget.Current.Step(text.Value.Length >> 6);
        return method(text, arguments);
    }

    private static bool All(Text text, Func<int, bool> isOf) => text.Value.Length > 0 && Characters.CodePoints(text.Value).All(isOf);

    private static bool IsIdentifier(Text text) =>
        text.Value.Length > 0 && Characters.IsNameStart(Characters.CodePoints(text.Value).First()) && Characters.CodePoints(text.Value).All(Characters.IsNamePart);

    private static bool IsTitle(Text text)
    {
        var (isInWord, found) = (false, false);
        foreach (var code in Characters.CodePoints(text.Value))
        {
            var isBeginning = LetterCase.IsUpper(code) || LetterCase.IsTitle(code);
            if (isBeginning == isInWord && LetterCase.IsCased(code)) return false;
            isInWord = LetterCase.IsCased(code);
            found |= isInWord;
        }

        return found;
    }

    private static Text Pad(Text text, Arguments arguments, string name, Func<int, int, int> left)
    {
        var bound = arguments.Bind(name, "/width", "/fillchar?");
        var width = Kinds.ToInt(bound[0]);
        var fill = bound.Text(1, " ");
        if (fill.Length != 1) throw Fault.Runtime($"{name} fills with exactly one character");
        if (width <= text.Length) return text;
        var before = left(width, text.Length);
        return new TextBuilder().Repeat(fill, before).Append(text).Repeat(fill, width - text.Length - before).ToText().WithMarkup(text.IsMarkup);
    }

    private static Text FillZeros(Text text, Arguments arguments)
    {
        var missing = Kinds.ToInt(arguments.Bind("zfill", "/width")[0]) - (long)text.Length;
        var sign = text.Value.StartsWith('-') || text.Value.StartsWith('+') ? 1 : 0;
        return new TextBuilder().Append(text, 0, sign).Repeat(Text.Trusted("0"), missing).Append(text, sign, text.Value.Length - sign).ToText().WithMarkup(text.IsMarkup);
    }

    // The part of a text that two further arguments choose, in UTF-16 units.
    private static (int Start, int End) Window(Text text, BoundArguments bound)
    {
        var start = Place(bound[1], 0);
        var end = Place(bound[2], text.Length);
        return start > end ? (-1, -1) : (text.OffsetOf(start), text.OffsetOf(end));

        int Place(object? given, int missing)
        {
            if (given is null) return missing;
            var place = (long)Kinds.ToInt(given);
            return (int)Math.Clamp(place < 0 ? place + text.Length : place, 0, text.Length);
        }
    }

    private static BigInteger Find(Text text, Arguments arguments, string name, bool fromEnd)
    {
        var bound = arguments.Bind(name, "/sub", "/start?", "/end?");
        var part = bound.Text(0).Value;
        if (Kinds.TryInteger(bound[1], out var given) && given > text.Length) return -1;
        var (start, end) = Window(text, bound);
        if (start < 0) return -1;
        var window = text.Value.AsSpan(start, end - start);
        var place = fromEnd ? window.LastIndexOf(part) : window.IndexOf(part);
        if (part.Length == 0) place = fromEnd ? window.Length : 0;
        return place < 0 ? -1 : text.CodePointsBefore(start + place);
    }

    private static BigInteger Index(Text text, Arguments arguments, string name, bool fromEnd) =>
        Find(text, arguments, name, fromEnd) is { Sign: >= 0 } place ? place : throw Fault.Runtime($"{name} did not find the text it looked for");

    private static BigInteger Count(Text text, Arguments arguments)
    {
        var bound = arguments.Bind("count", "/sub", "/start?", "/end?");
        var part = bound.Text(0).Value;
        if (Kinds.TryInteger(bound[1], out var given) && given > text.Length) return 0;
        var (start, end) = Window(text, bound);
        if (start < 0) return 0;
        var window = text.Value[start..end];
        return part.Length == 0 ? Characters.CodePoints(window).Count() + 1 : window.AsSpan().Count(part);
    }

    private static bool HasEnd(Text text, Arguments arguments, string name, Func<string, string, bool> has)
    {
        var bound = arguments.Bind(name, "/prefix", "/start?", "/end?");
        var ends = bound[0] is TupleValue tuple ? tuple.Items : [bound[0]];
        var parts = Array.ConvertAll(ends, Kinds.ToText);
        if (Kinds.TryInteger(bound[1], out var given) && given > text.Length) return false;
        var (start, end) = Window(text, bound);
        return start >= 0 && text.Value[start..end] is var window && Array.Exists(parts, part => has(window, part.Value));
    }

    private static Text Strip(Text text, Arguments arguments, string name, bool start, bool end)
    {
        var characters = arguments.Bind(name, "/chars?").TextOrNone(0);
        return TextCutting.Strip(text, characters, start, end);
    }

    private static Text Remove(Text text, Arguments arguments, string name, bool prefix)
    {
        var part = arguments.Bind(name, "/prefix").Text(0).Value;
        if (prefix) return text.Value.StartsWith(part, StringComparison.Ordinal) ? text[part.Length..] : text;
        return part.Length > 0 && text.Value.EndsWith(part, StringComparison.Ordinal) ? text[..^part.Length] : text;
    }

    private static TupleValue Partition(Text text, Arguments arguments, string name, bool fromEnd)
    {
        var separator = arguments.Bind(name, "/sep").Text(0);
        if (separator.Value.Length == 0) throw Fault.Runtime($"{name} needs a separator that is not empty");
        var place = fromEnd ? text.Value.LastIndexOf(separator.Value, StringComparison.Ordinal) : text.Value.IndexOf(separator.Value, StringComparison.Ordinal);
        if (place < 0) return fromEnd ? new TupleValue(Text.Empty, Text.Empty, text) : new TupleValue(text, Text.Empty, Text.Empty);
        return new TupleValue(text[..place], text.Cut(place, separator.Value.Length), text[(place + separator.Value.Length)..]);
    }

    private static ListValue Split(Text text, Arguments arguments, string name, bool fromEnd)
    {
        var bound = arguments.Bind(name, "sep?", "maxsplit?");
        var most = bound.Int(1, -1);
        if (most < 0) most = int.MaxValue;
        if (bound.TextOrNone(0) is not { } separator) return new ListValue(TextCutting.SplitAtSpace(text, most, fromEnd));
        if (separator.Value.Length == 0) throw Fault.Runtime($"{name} needs a separator that is not empty");
        return new ListValue(TextCutting.Split(text, separator.Value, most, fromEnd));
    }

    private static ListValue SplitLines(Text text, Arguments arguments) =>
        new([.. TextCutting.Lines(text, arguments.Bind("splitlines", "keepends?").Flag(0))]);

    private static Text Join(Text separator, Arguments arguments)
    {
        var items = Sequences.ToList(arguments.Bind("join", "/iterable")[0]);
        return TextBuilder.Join(separator, items.Select(item => Markup.For(separator, item))).WithMarkup(separator.IsMarkup);
    }

    private static Text Replace(Text text, Arguments arguments)
    {
        var bound = arguments.Bind("replace", "/old", "/new", "/count?");
        return TextCutting.Replace(text, bound.Text(0), Markup.For(text, bound[1]), bound.Int(2, -1));
    }

    private static Text ExpandTabs(Text text, Arguments arguments)
    {
        var size = arguments.Bind("expandtabs", "tabsize?").Int(0, 8);
        var builder = new TextBuilder();
        var column = 0;
        foreach (var character in text.Characters())
        {
            if (character.Value == "\t")
            {
                var blanks = size > 0 ? size - column % size : 0;
                builder.Repeat(Text.Of(" ", character.IsTrusted), blanks);
                column += blanks;
                continue;
            }

            builder.Append(character);
            column = character.Value is "\n" or "\r" ? 0 : column + 1;
        }

        return builder.ToText().WithMarkup(text.IsMarkup);
    }

    private static Text Translate(Text text, Arguments arguments)
    {
        var table = arguments.Bind("translate", "/table")[0];
        var builder = new TextBuilder();
        foreach (var character in text.Characters())
        {
            var code = new BigInteger(Characters.CodePoints(character.Value).First());
            switch (Attributes.Item(table, code))
            {
                case null: break;
                case Undefined: builder.Append(character); break;
                case Text replacement: builder.Append(replacement); break;
                case var other: builder.Append(Characters.ToText(Kinds.ToInt(other) is >= 0 and <= 0x10FFFF and var point ? point : throw Fault.Expected("a code point", other)), trusted: false); break;
            }
        }

        return builder.ToText();
    }

    private static BytesValue Encode(Text text, Arguments arguments)
    {
        var bound = arguments.Bind("encode", "encoding?", "errors?");
        var name = bound.Text(0, "utf-8").Value.ToLowerInvariant().Replace('_', '-');
        Encoding encoding = name switch
        {
            "utf-8" or "utf8" => new UTF8Encoding(false, throwOnInvalidBytes: true),
            "ascii" or "us-ascii" when Ascii.IsValid(text.Value) => Encoding.ASCII,
            "latin-1" or "latin1" or "iso-8859-1" when text.Value.All(static unit => unit < 0x100) => Encoding.Latin1,
            "utf-16-le" => new UnicodeEncoding(false, false, throwOnInvalidBytes: true),
            "utf-16-be" => new UnicodeEncoding(true, false, throwOnInvalidBytes: true),
            _ => throw Fault.Runtime("the text cannot be encoded so"),
        };
        try
        {
            Budget.Current.Build(text.Value.Length * 3L);
            return new BytesValue(encoding.GetBytes(text.Value));
        }
        catch (EncoderFallbackException)
        {
            throw Fault.Runtime("the text holds half of a surrogate pair and cannot be encoded");
        }
    }
}
