using FalconMamba.Engine;
using FalconMamba.Generation;
using FalconMamba.Model;

namespace FalconMamba.Tests.Engine;

/// <summary>What tests of the engine need in many places.</summary>
internal static class EngineModels
{
    /// <summary>The folder of the model that ships.</summary>
    public static string Shakespeare { get; } = Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m");

    /// <summary>A model of a few layers, whose answers do not depend on the company.</summary>
    public static FalconMambaModel Tiny() =>
        FalconMambaModel.Load(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models", "tiny-f32"), new ModelOptions { Deterministic = true });

    /// <summary>Draws so many tokens, whatever they are.</summary>
    public static GenerationOptions Drawing(int count, ulong seed = 1) =>
        new() { DoSample = true, TopK = 0, Temperature = 1.5, MaxNewTokens = count, Seed = seed, IgnoreEos = true };

    /// <summary>A request for so many drawn tokens.</summary>
    public static GenerationRequest Request(int[] prompt, int count, ulong seed = 1) => new() { Prompt = prompt, Options = Drawing(count, seed) };

    /// <summary>A prompt of any tokens.</summary>
    public static int[] Prompt(int length, int seed = 1, int vocabulary = 250)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(vocabulary))];
    }

    /// <summary>What a request gets when nobody else is there.</summary>
    public static int[] Alone(IModelRunner model, GenerationRequest request) => [.. model.GenerateStream(request.Prompt, request.Options)];

    /// <summary>Reads a stream to its end.</summary>
    public static async Task<int[]> IdsOf(GeneratedTokens tokens)
    {
        var ids = new List<int>();
        await foreach (var token in tokens) ids.Add(token.Id);
        return [.. ids];
    }
}
