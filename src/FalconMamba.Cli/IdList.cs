using System.Globalization;
using System.Text.Json;

namespace FalconMamba.Cli;

/// <summary>Token ids as text: numbers with commas or white space between them, or a JSON array.</summary>
internal static class IdList
{
    private static readonly char[] Separators = [',', ' ', '\t', '\r', '\n'];

    /// <summary>Reads the ids; null where the text is something else.</summary>
    public static int[]? TryParse(string text, out string? wrong)
    {
        wrong = null;
        var trimmed = text.Trim();
        if (trimmed.StartsWith('[')) return FromJson(trimmed, out wrong);
        var ids = new List<int>();
        foreach (var range in trimmed.AsSpan().SplitAny(Separators))
        {
            var word = trimmed.AsSpan(range);
            if (word.IsEmpty) continue;
            if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                wrong = word.Length <= 40 ? word.ToString() : word[..40].ToString() + "…";
                return null;
            }

            ids.Add(id);
        }

        return [.. ids];
    }

    private static int[]? FromJson(string text, out string? wrong)
    {
        wrong = null;
        try
        {
            using var json = JsonDocument.Parse(text);
            var ids = new int[json.RootElement.GetArrayLength()];
            for (var i = 0; i < ids.Length; i++)
            {
                var item = json.RootElement[i];
                if (item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out ids[i]) && ids[i] >= 0) continue;
                wrong = item.GetRawText();
                if (wrong.Length > 40) wrong = wrong[..40] + "…";
                return null;
            }

            return ids;
        }
        catch (JsonException)
        {
            wrong = "[… that is no JSON array";
            return null;
        }
    }
}
