using System.Globalization;
using System.Numerics;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Filtering;

/// <summary>An attribute as filters name it: <c>"a.b"</c>, <c>"a.0"</c>, or an index.</summary>
internal sealed class AttributePath
{
    private readonly object?[] _parts;
    private readonly object? _missing;

    private AttributePath(object?[] parts, object? missing)
    {
        _parts = parts;
        _missing = missing;
    }

    /// <summary>The path that a filter's argument names; null for the item itself.</summary>
    /// <param name="attribute">A name, an index or None.</param>
    /// <param name="missing">What stands for an attribute that does not exist; null for none.</param>
    public static AttributePath Parse(object? attribute, object? missing = null) => new(attribute switch
    {
        null => [],
        Text text => [.. text.Value.Split('.').Select(ParsePart)],
        _ => [attribute],
    }, missing);

    /// <summary>Several paths with commas between.</summary>
    public static AttributePath[] ParseAll(object? attribute) =>
        attribute is Text text ? [.. text.Value.Split(',').Select(static part => Parse(Text.Trusted(part)))] : [Parse(attribute)];

    /// <summary>What the path leads to from an item.</summary>
    public object? Of(object? item)
    {
        foreach (var part in _parts)
        {
            item = Attributes.Item(item, part);
            if (_missing is not null && item is Undefined) item = _missing;
        }

        return item;
    }

    /// <summary>The same, with letters in lower case unless case counts.</summary>
    public object? KeyOf(object? item, bool isCaseSensitive) => IgnoreCase(Of(item), isCaseSensitive);

    /// <summary>A value with letters in lower case unless case counts.</summary>
    public static object? IgnoreCase(object? value, bool isCaseSensitive) => value is Text text && !isCaseSensitive ? LetterCase.Lower(text) : value;

    private static object ParsePart(string part) =>
        part.Length is > 0 and < 10 && part.All(char.IsAsciiDigit) ? BigInteger.Parse(part, CultureInfo.InvariantCulture) : Text.Trusted(part);
}
