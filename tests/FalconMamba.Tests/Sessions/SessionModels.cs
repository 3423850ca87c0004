using FalconMamba.Model;

namespace FalconMamba.Tests.Sessions;

/// <summary>The models that tests of sessions run, and what those do with them.</summary>
internal static class SessionModels
{
    /// <summary>The model that ships, which has a tokenizer.</summary>
    public static string Shipped { get; } = Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m");

    /// <summary>The smallest model.</summary>
    public static CountingModel Tiny() => new(FalconMambaModel.Load(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models", "tiny-f32")));

    /// <summary>A state that has read some tokens.</summary>
    public static RecurrentState StateOf(this IModelRunner model, ReadOnlyMemory<int> ids)
    {
        var state = model.CreateState();
        if (!ids.IsEmpty) model.Forward([new Chunk(state, ids) { Logits = RowSelection.None }], []);
        return state;
    }

    /// <summary>The logits behind a state.</summary>
    public static float[] LogitsOf(this IModelRunner model, RecurrentState state)
    {
        var logits = new float[model.Config.VocabSize];
        model.Forward([new Chunk(state, ReadOnlyMemory<int>.Empty)], logits);
        return logits;
    }

    /// <summary>Token ids that look like nothing in particular, the same for the same seed.</summary>
    public static int[] Ids(int count, int seed, int vocabulary = 100)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }
}
