using System.Collections.Immutable;

namespace FalconMamba.Model;

/// <summary>
/// The sizes that Mamba-1 models are published in (Gu and Dao 2023, and Falcon Mamba 7B), each as a Falcon Mamba with
/// Falcon's vocabulary.
/// </summary>
public static class ModelShapes
{
    private const int FalconVocabulary = 65024;

    private static readonly (string Name, int HiddenSize, int Layers)[] Table =
    [
        ("130m", 768, 24), ("370m", 1024, 48), ("790m", 1536, 48), ("1.4b", 2048, 48), ("2.8b", 2560, 64), ("7b", 4096, 64),
    ];

    /// <summary>The names, smallest first.</summary>
    public static ImmutableArray<string> Names { get; } = [.. Table.Select(row => row.Name)];

    /// <summary>The configuration of a size.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="layers">Another number of layers than the published one, if given.</param>
    /// <exception cref="ArgumentException">There is no size of that name.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number of layers is not positive.</exception>
    public static FalconMambaConfig Config(string name, int? layers = null)
    {
        var index = Names.IndexOf(name);
        if (index < 0) throw new ArgumentException($"There is no shape {name}: use {string.Join(", ", Names)}.", nameof(name));
        if (layers is { } count) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count, nameof(layers));
        var (_, hiddenSize, published) = Table[index];
        return new FalconMambaConfig
        {
            VocabSize = FalconVocabulary,
            HiddenSize = hiddenSize,
            IntermediateSize = 2 * hiddenSize,
            NumHiddenLayers = layers ?? published,
            TimeStepRank = FalconMambaConfig.DefaultTimeStepRank(hiddenSize),
            TieWordEmbeddings = false,
            BosTokenId = 0,
            EosTokenIds = [11],
            PadTokenId = 11,
            InitializerRange = 0.02,
        };
    }
}
