using System.Globalization;

namespace FalconMamba.Cli;

/// <summary>Numbers as people read them.</summary>
internal static class Units
{
    private static readonly string[] Sizes = ["bytes", "kB", "MB", "GB", "TB"];

    /// <summary>Bytes in decimal units, three digits.</summary>
    public static string Bytes(long count) => Scale(count, Sizes);

    /// <summary>A count such as 7.27 B.</summary>
    public static string Count(long count) => Scale(count, ["", "K", "M", "B", "T"]);

    /// <summary>All digits, in groups of three.</summary>
    public static string Digits(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Three digits that count.</summary>
    public static string Short(double value) => value switch
    {
        >= 100 or 0 => value.ToString("F0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("F1", CultureInfo.InvariantCulture),
        >= 0.01 => value.ToString("F2", CultureInfo.InvariantCulture),
        _ => value.ToString("G2", CultureInfo.InvariantCulture),
    };

    private static string Scale(long count, string[] units)
    {
        double value = count;
        var unit = 0;
        for (; value >= 999.5 && unit < units.Length - 1; unit++) value /= 1000;
        return $"{(unit == 0 ? count.ToString(CultureInfo.InvariantCulture) : Short(value))} {units[unit]}".TrimEnd();
    }
}
