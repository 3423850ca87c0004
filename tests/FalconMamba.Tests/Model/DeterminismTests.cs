using System.Runtime.InteropServices;
using FalconMamba.Kernels;
using FalconMamba.Model;
using FsCheck;
using FsCheck.Fluent;

namespace FalconMamba.Tests.Model;

/// <summary>The two laws: cutting into chunks changes nothing, nor does company or the number of threads. Bit for bit.</summary>
public class DeterminismTests
{
    private const int LongPrompt = 530;

    private static readonly string Fixtures = Path.Combine(FixtureFolder.Repository, "tests", "fixtures");

    // Every checkpoint once; those in block formats also with float activations.
    internal static (string Path, bool Exact)[] Checkpoints =>
    [
        .. Directory.EnumerateDirectories(Path.Combine(Fixtures, "models")).Order(StringComparer.Ordinal).Select(folder => (folder, false)),
        .. Directory.EnumerateFiles(Path.Combine(Fixtures, "gguf"), "*.gguf").Order(StringComparer.Ordinal).SelectMany(file => new[] { (file, false), (file, true) }),
    ];

    [Fact]
    public void Any_cutting_into_chunks_gives_the_same_bits()
    {
        foreach (var (path, exact) in Checkpoints)
        {
            using var model = FalconMambaModel.Load(path, new ModelOptions { Exact = exact, Deterministic = true, PrefillChunkSize = 11 });
            Prop.ForAll(
                Gen.Choose(1, 9).NonEmptyListOf().ToArbitrary(),
                lengths =>
                {
                    var ids = Tokens(model, lengths.Sum());
                    using var whole = model.CreateState();
                    using var cut = model.CreateState();
                    var expected = Last(model, whole, ids);
                    float[] actual = [];
                    var start = 0;
                    foreach (var length in lengths)
                    {
                        actual = Last(model, cut, ids[start..(start + length)]);
                        start += length;
                    }

                    return Equal(expected, actual) && SameState(model, whole, cut);
                }).Check(Config.QuickThrowOnFailure.WithMaxTest(30));
        }
    }

    [Fact]
    public void Company_in_the_batch_gives_the_same_bits()
    {
        foreach (var (path, exact) in Checkpoints)
        {
            using var model = FalconMambaModel.Load(path, new ModelOptions { Exact = exact, Deterministic = true, PrefillChunkSize = 13 });
            Prop.ForAll(
                Gen.Choose(1, 20).NonEmptyListOf().ToArbitrary(),
                lengths =>
                {
                    var prompts = lengths.Select((length, i) => Tokens(model, length, seed: i)).ToArray();
                    var states = prompts.Select(_ => model.CreateState()).ToArray();
                    var logits = new float[prompts.Length * model.Config.VocabSize];
                    model.Forward([.. prompts.Select((prompt, i) => new Chunk(states[i], prompt))], logits);
                    return prompts.Select((prompt, i) =>
                    {
                        using var alone = model.CreateState();
                        var expected = Last(model, alone, prompt);
                        var same = Equal(expected, logits.AsSpan(i * model.Config.VocabSize, model.Config.VocabSize)) && SameState(model, alone, states[i]);
                        states[i].Dispose();
                        return same;
                    }).All(same => same);
                }).Check(Config.QuickThrowOnFailure.WithMaxTest(20));
        }
    }

    // Where code is emitted, the products of float weights change kernels with the number of tokens, up to 96 of them.
    public static TheoryData<string, string> EmittedCheckpoints
    {
        get
        {
            string[] folders = [Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m"), .. Checkpoints.Select(checkpoint => checkpoint.Path).Where(Directory.Exists)];
            return [.. from path in KernelSet.Paths where path is "amx" or "emitted" from folder in folders select (folder, path)];
        }
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(EmittedCheckpoints))]
    public void Chunks_and_threads_on_either_side_of_every_kernel_give_the_same_bits(string folder, string path)
    {
        using var whole = Pinned(folder, path, LongPrompt, 2);
        using var expectedState = whole.CreateState();
        var ids = Tokens(whole, LongPrompt);
        var expected = Last(whole, expectedState, ids);
        foreach (var (chunk, threads) in ((int, int)[])[(1, 2), (2, 1), (3, 3), (7, 7), (8, 2), (23, 1), (24, 3), (95, 7), (96, 2), (512, 1)])
        {
            using var model = Pinned(folder, path, chunk, threads);
            using var state = model.CreateState();
            Assert.True(Equal(expected, Last(model, state, ids)) && SameState(model, expectedState, state), $"chunks of {chunk}, {threads} threads");
        }
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(EmittedCheckpoints))]
    public void Long_companies_in_the_batch_give_the_same_bits(string folder, string path)
    {
        using var model = Pinned(folder, path, LongPrompt, 2);
        var ids = Tokens(model, LongPrompt);
        int[] lengths = [1, 2, 7, 22, 24, 95, LongPrompt - 6];
        // The first alone, then with ever more others.
        for (var count = 1; count <= lengths.Length; count++)
        {
            var states = lengths[..count].Select(_ => model.CreateState()).ToArray();
            var logits = new float[count * model.Config.VocabSize];
            model.Forward([.. states.Select((state, i) => new Chunk(state, ids.AsMemory(i, lengths[i])))], logits);
            for (var i = 0; i < count; i++)
            {
                using var alone = model.CreateState();
                var expected = Last(model, alone, ids[i..(i + lengths[i])]);
                Assert.True(Equal(expected, logits.AsSpan(i * model.Config.VocabSize, model.Config.VocabSize)) && SameState(model, alone, states[i]), $"{lengths[i]} tokens among {count} sequences");
            }

            foreach (var state in states) state.Dispose();
        }
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_bits()
    {
        foreach (var (path, exact) in Checkpoints)
        {
            var results = new[] { 1, 2, 3, 7 }.Select(threads =>
            {
                using var model = FalconMambaModel.Load(path, new ModelOptions { Exact = exact, Threads = threads, Deterministic = true });
                return AllLogits(model);
            }).ToArray();
            Assert.All(results, result => Assert.True(Equal(results[0], result), path));
        }
    }

    [Theory]
    [InlineData("512")]
    [InlineData("256")]
    [InlineData("128")]
    public void Every_vector_width_equals_the_generic_twin_bit_for_bit(string width)
    {
        foreach (var (path, exact) in Checkpoints)
        {
            using var weights = ModelWeights.Open(path);
            using var twin = new FalconMambaModel(weights, new ModelOptions(), KernelSet.Create("generic", 2, exact));
            using var vectors = new FalconMambaModel(weights, new ModelOptions(), KernelSet.Create(width, 2, exact));
            Assert.True(Equal(AllLogits(twin), AllLogits(vectors)), path);
        }
    }

    private static FalconMambaModel Pinned(string folder, string path, int chunk, int threads) =>
        new(ModelWeights.Open(folder), new ModelOptions { PrefillChunkSize = chunk }, KernelSet.Create(path, threads, deterministic: true));

    private static float[] AllLogits(FalconMambaModel model)
    {
        using var state = model.CreateState();
        var ids = Tokens(model, 70);
        var logits = new float[ids.Length * model.Config.VocabSize];
        model.Forward([new Chunk(state, ids) { Logits = RowSelection.All }], logits);
        return [.. logits, .. Last(model, state, [3])];
    }

    private static float[] Last(FalconMambaModel model, RecurrentState state, int[] ids)
    {
        var logits = new float[model.Config.VocabSize];
        model.Forward([new Chunk(state, ids)], logits);
        return logits;
    }

    private static int[] Tokens(FalconMambaModel model, int count, int seed = 0)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(model.Config.VocabSize))];
    }

    private static bool SameState(FalconMambaModel model, RecurrentState a, RecurrentState b)
    {
        var (x, y) = (new float[model.Config.IntermediateSize * model.Config.StateSize], new float[model.Config.IntermediateSize * model.Config.StateSize]);
        for (var i = 0; i < a.LayerCount; i++)
        {
            a.CopyScanTo(i, x);
            b.CopyScanTo(i, y);
            if (!Equal(x, y)) return false;
        }

        return a.TokenCount == b.TokenCount;
    }

    // As bits: equal floats may differ in the sign of zero.
    private static bool Equal(ReadOnlySpan<float> a, ReadOnlySpan<float> b) =>
        MemoryMarshal.AsBytes(a).SequenceEqual(MemoryMarshal.AsBytes(b));
}
