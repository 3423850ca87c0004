using System.Collections.Immutable;
using System.CommandLine;
using FalconMamba.Quantization;

namespace FalconMamba.Cli;

/// <summary>The option for the type that weights are written in.</summary>
internal static class WeightTypes
{
    /// <summary>The types that folders hold.</summary>
    public static ImmutableArray<QuantizationMix> Plain { get; } = [.. QuantizationMix.All.Where(mix => mix.IsPlain)];

    /// <summary>The option, which must be given.</summary>
    public static Option<QuantizationMix> Option(string description, ImmutableArray<QuantizationMix> choices, string name = "--type") => new(name)
    {
        HelpName = string.Join('|', choices.Select(mix => mix.Name)),
        Description = description,
        Required = true,
        CustomParser = argument =>
        {
            var text = argument.Tokens.Count > 0 ? argument.Tokens[^1].Value : "";
            if (QuantizationMix.Find(text) is { } mix && choices.Contains(mix)) return mix;
            argument.AddError($"{name} takes {string.Join(", ", choices[..^1].Select(choice => choice.Name))} or {choices[^1].Name}, \"{text}\" was given.");
            return null;
        },
    };
}
