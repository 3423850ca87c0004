using System.CommandLine;
using FalconMamba.Formats;

namespace FalconMamba.Cli;

/// <summary>The option for the type that weights are written in.</summary>
internal static class WeightTypes
{
    public static Option<TensorType> Option(string description) => new("--type")
    {
        HelpName = "F32|BF16|F16",
        Description = description,
        Required = true,
        CustomParser = argument =>
        {
            var text = argument.Tokens.Count > 0 ? argument.Tokens[^1].Value : "";
            switch (text.ToUpperInvariant())
            {
                case "F32": return TensorType.F32;
                case "BF16": return TensorType.BF16;
                case "F16": return TensorType.F16;
                default:
                    argument.AddError($"--type takes F32, BF16 or F16, \"{text}\" was given.");
                    return default;
            }
        },
    };
}
