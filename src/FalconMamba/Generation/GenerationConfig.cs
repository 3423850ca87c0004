using System.Collections.Immutable;
using FalconMamba.Formats;

namespace FalconMamba.Generation;

/// <summary>
/// What a checkpoint's <c>generation_config.json</c> says about generating: its special tokens and, rarely, settings. What
/// the file does not mention is null or empty.
/// </summary>
public sealed partial record GenerationConfig
{
    /// <summary>The file's name in a checkpoint's folder.</summary>
    public const string FileName = "generation_config.json";

    /// <summary>The token that begins a text.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>The tokens that end a text; written as one number or an array.</summary>
    public ImmutableArray<int> EosTokenIds { get; init; } = [];

    /// <summary>The token for padding.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>The file's settings, its end tokens among them.</summary>
    public GenerationOptions Settings { get; init; } = new();

    /// <summary>What the file sets that is not there here, one sentence each.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>Reads a <c>generation_config.json</c>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="MalformedFileException">The file is no such configuration.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static GenerationConfig FromFile(string path) => Parse(JsonFields.ReadFile(path), path);

    /// <summary>Reads the <c>generation_config.json</c> of a checkpoint; an empty configuration where there is none.</summary>
    /// <param name="path">The checkpoint's folder, or a file beside which there is none.</param>
    /// <exception cref="MalformedFileException">The file is no such configuration.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static GenerationConfig FromFolder(string path) =>
        Path.Combine(path, FileName) is var file && File.Exists(file) ? FromFile(file) : new GenerationConfig();

    /// <summary>
    /// A caller's options, with the file's settings where the caller gives none, as transformers does. A setting of the file
    /// that has no effect beside the caller's is left out and reported; one of the caller's stays, and is refused when the
    /// options are used.
    /// </summary>
    /// <param name="given">What the caller gives; null for nothing.</param>
    /// <returns>The options, and one sentence for each setting of the file that counts for nothing.</returns>
    public (GenerationOptions Options, ImmutableArray<string> Warnings) Complete(GenerationOptions? given = null)
    {
        given ??= new GenerationOptions();
        var warnings = Warnings.ToBuilder();
        var options = OptionRules.WithoutIneffective(Settings.Under(given), given, fault => warnings.Add($"{FileName}: {fault}"));
        return (options, warnings.ToImmutable());
    }
}
