using FalconMamba.Hub;
using FalconMamba.Model;
using FalconMamba.Quantization;

namespace FalconMamba.Cli.Plan;

/// <summary>A model to plan for: one on this machine, or a shape alone.</summary>
internal sealed record PlannedModel
{
    private const string FamilyShape = "7b", GgufEnding = "-GGUF";

    // What is named so has that shape, whoever trained it on and however its weights are packed.
    private static readonly string[] FamilyNames = ["falcon-mamba-7b", "Falcon3-Mamba-7B"];

    // Of these there are GGUF files, each type in a repository of its own, and of no others.
    private static readonly string[] PublishedIds = ["tiiuae/falcon-mamba-7b", "tiiuae/falcon-mamba-7b-instruct"];
    private static readonly string[] PublishedTypes = ["BF16", "F16", "Q8_0", "Q4_K_M"];

    /// <summary>What the user calls it.</summary>
    public required string Name { get; init; }

    /// <summary>Its shape.</summary>
    public required FalconMambaConfig Config { get; init; }

    /// <summary>Its folder or file; null for one that is not here.</summary>
    public string? Path { get; init; }

    /// <summary>Its weights as they are here; null for one that is not.</summary>
    public PlanRow? Here { get; init; }

    /// <summary>Its id on the hub without the type of its weights; null for a model that is not known to be published in several.</summary>
    public string? HubId { get; init; }

    /// <summary>The type that the name asks for, if it does.</summary>
    public QuantizationMix? NamedType { get; init; }

    /// <summary>The types it could be taken in, largest first: those that are published, or every one.</summary>
    public IEnumerable<QuantizationMix> Types => QuantizationMix.All.Where(mix => HubId is null || PublishedTypes.Contains(mix.Name));

    /// <summary>Finds a model without asking the hub.</summary>
    /// <param name="model">A shape, a folder, a GGUF file, a shipped name or an id.</param>
    /// <param name="options">How it would run.</param>
    /// <exception cref="FileNotFoundException">There is none, and its name does not tell its shape.</exception>
    public static PlannedModel Find(string model, ModelOptions options)
    {
        var shape = model.ToLowerInvariant();
        if (ModelShapes.Names.Contains(shape) && !Directory.Exists(model)) return new PlannedModel { Name = shape, Config = ModelShapes.Config(shape) };
        string path;
        try
        {
            path = CommonOptions.Locate(model);
        }
        catch (Exception e) when (e is FileNotFoundException or HubException && OfFamily(model) is { } known)
        {
            return known;
        }
        catch (FileNotFoundException e)
        {
            throw new FileNotFoundException($"{Failure.Sentence(e.Message).TrimEnd('.')}; or a shape: {string.Join(", ", ModelShapes.Names)}.", e.FileName, e);
        }

        using var weights = ModelWeights.Open(path);
        return new PlannedModel { Name = CommonOptions.NameOf(path), Config = weights.Config, Path = path, Here = PlanRow.Of(weights, options) };
    }

    /// <summary>How to get the model with weights of a type; null where nobody is known to publish it.</summary>
    public string? PullArgument(QuantizationMix mix) => HubId is null || !Types.Contains(mix) ? null : mix.Name == "BF16" ? HubId : $"{HubId}-{mix.Name}{GgufEnding}";

    private static PlannedModel? OfFamily(string model)
    {
        if (!HubModelId.TryParse(model, out var id) || id.Owner is null || !FamilyNames.Any(family => $"{id.Name}-".StartsWith($"{family}-", StringComparison.OrdinalIgnoreCase))) return null;
        var name = model.EndsWith(GgufEnding, StringComparison.OrdinalIgnoreCase) ? model[..^GgufEnding.Length] : model;
        var type = QuantizationMix.All.FirstOrDefault(mix => name.EndsWith($"-{mix.Name}", StringComparison.OrdinalIgnoreCase));
        if (type is not null) name = name[..^(type.Name.Length + 1)];
        return new PlannedModel
        {
            Name = model,
            Config = ModelShapes.Config(FamilyShape),
            HubId = type is null || PublishedTypes.Contains(type.Name) ? PublishedIds.FirstOrDefault(published => published.Equals(name, StringComparison.OrdinalIgnoreCase)) : null,
            NamedType = type,
        };
    }
}
