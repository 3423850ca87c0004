using System.Runtime.InteropServices;
using FalconMamba.Kernels;
using FalconMamba.Model;

namespace FalconMamba.Tests.Model;

/// <summary>A state that is put back to a token has the bits of one that only went so far.</summary>
public class RollbackTests
{
    private const int Before = 5, Length = 9;

    public static TheoryData<string> Paths => [.. KernelSet.Paths];

    [Theory]
    [MemberData(nameof(Paths))]
    public void A_state_goes_back_to_any_token_of_its_chunk(string path)
    {
        foreach (var (file, exact) in DeterminismTests.Checkpoints)
        {
            // The second cuts the chunk, in the pass and in the replay.
            foreach (var pass in (int[])[512, 4])
            {
                using var model = new FalconMambaModel(
                    ModelWeights.Open(file), new ModelOptions { PrefillChunkSize = pass, Deterministic = true }, KernelSet.Create(path, 2, exact, deterministic: true));
                Check(model);
            }
        }
    }

    [Fact]
    public void Nothing_that_a_chunk_gives_depends_on_whether_it_is_kept()
    {
        foreach (var (file, exact) in DeterminismTests.Checkpoints)
        {
            using var model = FalconMambaModel.Load(file, new ModelOptions { Exact = exact });
            using var plain = model.CreateState();
            using var kept = model.CreateState();
            var ids = Tokens(model, Length);
            var (expected, actual) = (new float[Length * model.Config.VocabSize], new float[Length * model.Config.VocabSize]);
            // Twice, since the second chunk's state lies where the first one's began.
            for (var i = 0; i < 2; i++)
            {
                model.Forward([new Chunk(plain, ids) { Logits = RowSelection.All }], expected);
                model.Forward([new Chunk(kept, ids) { Logits = RowSelection.All, KeepScanInputs = true }], actual);
                Assert.Equal(Bits(expected), Bits(actual));
                Assert.Equal(Bits(model, plain), Bits(model, kept));
            }
        }
    }

    [Fact]
    public void Company_is_left_where_it_is()
    {
        var (file, exact) = DeterminismTests.Checkpoints[0];
        using var model = FalconMambaModel.Load(file, new ModelOptions { Exact = exact, Deterministic = true });
        var states = Enumerable.Range(0, 3).Select(_ => model.CreateState()).ToArray();
        using var alone = model.CreateState();
        var ids = Tokens(model, Length);
        model.Forward([.. states.Select((state, i) => new Chunk(state, ids.AsMemory(i)) { Logits = RowSelection.None, KeepScanInputs = i != 1 })], []);
        var company = Bits(model, states[2]);
        model.RollBack(states[0], 4);
        Run(model, alone, ids[..4]);
        Assert.Equal(Bits(model, alone), Bits(model, states[0]));
        Assert.Equal(company, Bits(model, states[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.RollBack(states[1], 4));
        Array.ForEach(states, state => state.Dispose());
    }

    [Fact]
    public void What_moves_a_state_takes_the_way_back()
    {
        var (file, _) = DeterminismTests.Checkpoints[0];
        using var model = FalconMambaModel.Load(file);
        using var other = model.CreateState();
        Run(model, other, [1]);
        foreach (var move in (Action<RecurrentState>[])
        [
            state => Run(model, state, [1]), state => state.CopyFrom(other), state => state.Reset(), state => state.ReleaseScanInputs(),
            state => state.CopyScanFrom(0, new float[model.Config.IntermediateSize * model.Config.StateSize]),
            state => state.CopyConvolutionFrom(0, new float[model.Config.IntermediateSize * (model.Config.ConvKernel - 1)]),
        ])
        {
            using var state = model.CreateState();
            Keep(model, state, Tokens(model, Length));
            Assert.True(state.KeptByteLength > 0);
            Assert.Throws<ArgumentOutOfRangeException>(() => model.RollBack(state, -1));
            Assert.Throws<ArgumentOutOfRangeException>(() => model.RollBack(state, Length + 1));
            move(state);
            Assert.Throws<ArgumentOutOfRangeException>(() => model.RollBack(state, 2));
        }
    }

    [Fact]
    public void A_cancelled_chunk_can_be_taken_back()
    {
        var (file, _) = DeterminismTests.Checkpoints[0];
        using var model = FalconMambaModel.Load(file, new ModelOptions { PrefillChunkSize = 2 });
        using var state = model.CreateState();
        var ids = Tokens(model, Length);
        Run(model, state, ids[..Before]);
        var expected = Bits(model, state);
        using var source = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => model.Forward(
            [new Chunk(state, ids) { Logits = RowSelection.None, KeepScanInputs = true }], [], progress: new Canceller(source), cancellationToken: source.Token));
        Assert.Equal(Before + 4, state.TokenCount);
        model.RollBack(state, Before);
        Assert.Equal(expected, Bits(model, state));
    }

    private static void Check(FalconMambaModel model)
    {
        var ids = Tokens(model, Before + Length);
        using var state = model.CreateState();
        using var alone = model.CreateState();
        Run(model, state, ids[..Before]);
        alone.CopyFrom(state);
        var expected = new List<byte[]> { Bits(model, alone) };
        for (var i = 0; i < Length; i++)
        {
            Run(model, alone, [ids[Before + i]]);
            expected.Add(Bits(model, alone));
        }

        // Forwards and backwards, as far as the chunk goes.
        Keep(model, state, ids[Before..]);
        foreach (var count in (int[])[Length, 0, 4, 5, 1, Length - 1, 3, 2, Length, 6])
        {
            model.RollBack(state, Before + count);
            Assert.Equal(expected[count], Bits(model, state));
        }

        // And on from there.
        Keep(model, state, ids[(Before + 6)..]);
        Assert.Equal(expected[Length], Bits(model, state));
        model.RollBack(state, Before + 7);
        Assert.Equal(expected[7], Bits(model, state));
    }

    private static void Run(FalconMambaModel model, RecurrentState state, int[] ids) => model.Forward([new Chunk(state, ids) { Logits = RowSelection.None }], []);

    private static void Keep(FalconMambaModel model, RecurrentState state, int[] ids) =>
        model.Forward([new Chunk(state, ids) { Logits = RowSelection.None, KeepScanInputs = true }], []);

    private static int[] Tokens(FalconMambaModel model, int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(model.Config.VocabSize))];
    }

    /// <summary>Everything a state consists of.</summary>
    private static byte[] Bits(FalconMambaModel model, RecurrentState state)
    {
        var config = model.Config;
        int convolution = (config.ConvKernel - 1) * config.IntermediateSize, scan = config.IntermediateSize * config.StateSize;
        var all = new List<float>();
        for (var i = 0; i < state.LayerCount; i++)
        {
            var (c, s) = (new float[convolution], new float[scan]);
            state.CopyConvolutionTo(i, c);
            state.CopyScanTo(i, s);
            all.AddRange([.. c, .. s]);
        }

        return Bits([.. all, .. state.LastHidden, state.TokenCount]);
    }

    private static byte[] Bits(float[] values) => MemoryMarshal.AsBytes<float>(values).ToArray();

    private sealed class Canceller(CancellationTokenSource source) : IProgress<int>
    {
        public void Report(int value)
        {
            if (value == 4) source.Cancel();
        }
    }
}
