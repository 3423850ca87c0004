using System.Globalization;
using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary>How a prompt goes through the layers: what <c>--prefill</c> takes.</summary>
internal static class Prefill
{
    /// <summary>The most tokens at once.</summary>
    public const int MostTokens = 16384;

    /// <summary>The values, for the help.</summary>
    public const string HelpName = "parallel|sequential|N";

    /// <summary>The values, for errors.</summary>
    public static string Rule { get; } = $"parallel, sequential or a whole number from 1 to {MostTokens}";

    /// <summary>The tokens that go through the layers together; null if the text says nothing of the kind.</summary>
    public static int? Parse(string text) => text switch
    {
        "parallel" => ModelOptions.DefaultPrefillChunkSize,
        "sequential" => 1,
        _ => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var tokens) && tokens is >= 1 and <= MostTokens ? tokens : null,
    };
}
