using System.Globalization;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Formatting;

/// <summary>Points in time as C's strftime writes them, in the C locale.</summary>
internal static class TimeFormat
{
    /// <summary>Fills a format.</summary>
    public static Text Apply(DateTimeOffset time, Text format)
    {
        var builder = new TextBuilder();
        var text = format.Value;
        for (var place = 0; place < text.Length; place++)
        {
            if (text[place] != '%' || place + 1 == text.Length)
            {
                builder.Append(format, place, 1);
                continue;
            }

            // A dash leaves out a leading zero or blank.
            var isPlain = text[place + 1] == '-' && place + 2 < text.Length;
            var directive = text[place + (isPlain ? 2 : 1)];
            if (Directive(time.DateTime, directive) is not { } value)
            {
                builder.Append(format, place, 1);
                continue;
            }

            if (isPlain && value.TrimStart('0', ' ') is var trimmed) value = trimmed.Length == 0 ? "0" : trimmed;
            builder.Append(value);
            place += isPlain ? 2 : 1;
        }

        return builder.ToText();
    }

    private static string? Directive(DateTime time, char directive) => directive switch
    {
        'a' => time.ToString("ddd", CultureInfo.InvariantCulture),
        'A' => time.ToString("dddd", CultureInfo.InvariantCulture),
        'b' or 'h' => time.ToString("MMM", CultureInfo.InvariantCulture),
        'B' => time.ToString("MMMM", CultureInfo.InvariantCulture),
        'c' => string.Create(CultureInfo.InvariantCulture, $"{time:ddd MMM} {time.Day,2} {time:HH:mm:ss yyyy}"),
        'C' => Number(time.Year / 100, 2),
        'd' => time.ToString("dd", CultureInfo.InvariantCulture),
        'D' or 'x' => time.ToString("MM/dd/yy", CultureInfo.InvariantCulture),
        'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'f' => time.ToString("ffffff", CultureInfo.InvariantCulture),
        'F' => time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        'g' => Number(ISOWeek.GetYear(time) % 100, 2),
        'G' => Number(ISOWeek.GetYear(time), 4),
        'H' => time.ToString("HH", CultureInfo.InvariantCulture),
        'I' => time.ToString("hh", CultureInfo.InvariantCulture),
        'j' => Number(time.DayOfYear, 3),
        'k' => time.Hour.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'l' => ((time.Hour + 11) % 12 + 1).ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'm' => time.ToString("MM", CultureInfo.InvariantCulture),
        'M' => time.ToString("mm", CultureInfo.InvariantCulture),
        'n' => "\n",
        'p' => time.ToString("tt", CultureInfo.InvariantCulture),
        'P' => time.ToString("tt", CultureInfo.InvariantCulture).ToLowerInvariant(),
        'r' => time.ToString("hh:mm:ss tt", CultureInfo.InvariantCulture),
        'R' => time.ToString("HH:mm", CultureInfo.InvariantCulture),
        's' => new DateTimeOffset(time, TimeSpan.Zero).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
        'S' => time.ToString("ss", CultureInfo.InvariantCulture),
        't' => "\t",
        'T' or 'X' => time.ToString("HH:mm:ss", CultureInfo.InvariantCulture),
        'u' => Number(((int)time.DayOfWeek + 6) % 7 + 1, 1),
        'U' => Number((time.DayOfYear + 6 - (int)time.DayOfWeek) / 7, 2),
        'V' => Number(ISOWeek.GetWeekOfYear(time), 2),
        'w' => Number((int)time.DayOfWeek, 1),
        'W' => Number((time.DayOfYear + 6 - ((int)time.DayOfWeek + 6) % 7) / 7, 2),
        'y' => time.ToString("yy", CultureInfo.InvariantCulture),
        'Y' => Number(time.Year, 1),

        // A local time of Python's has no zone to tell.
        'z' or 'Z' => "",
        '%' => "%",
        _ => null,
    };

    private static string Number(int value, int digits) => value.ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0');
}
