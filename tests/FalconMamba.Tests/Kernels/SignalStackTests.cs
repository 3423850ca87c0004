using System.Runtime.CompilerServices;
using FalconMamba.Kernels;
using FalconMamba.Kernels.Assembled;

namespace FalconMamba.Tests.Kernels;

/// <summary>
/// A thread that handles signals on the larger stack, and one that used tiles on top of it, survive the signal that a
/// <see cref="NullReferenceException"/> begins as. In processes of their own, which an error would end.
/// </summary>
public class SignalStackTests
{
    [Theory]
    [InlineData(nameof(Probe.A_worker_with_a_larger_stack_survives_an_exception))]
    [InlineData(nameof(Probe.A_worker_that_used_tiles_survives_an_exception))]
    public async Task A_worker_survives_an_exception(string probe)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only on Linux threads have a stack for signals of their own.");
        if (probe == nameof(Probe.A_worker_that_used_tiles_survives_an_exception)) Assert.SkipUnless(AmxSupport.IsUsable, $"No tiles: {AmxSupport.Obstacle}.");
        var (status, output) = await ChildRun.Of<Probe>(["-explicit", "only", "-method", $"{typeof(Probe).FullName}.{probe}"]);
        Assert.True(status == 0 && output.Contains("Total: 1, Errors: 0, Failed: 0, Skipped: 0", StringComparison.Ordinal), output);
    }

    /// <summary>What the child runs.</summary>
    public class Probe
    {
        [Fact(Explicit = true)]
        public void A_worker_with_a_larger_stack_survives_an_exception() => Survive(usesTiles: false);

        [Fact(Explicit = true)]
        public void A_worker_that_used_tiles_survives_an_exception() => Survive(usesTiles: true);

        private static void Survive(bool usesTiles)
        {
            var before = SignalStack.Size;
            var job = new FaultyJob { UsesTiles = usesTiles };
            ComputePool.Shared.RunOnWorkers(ref job, 1, 1);
            Assert.Equal(100, job.Caught);
            Assert.InRange(job.StackSize, 64 * 1024, nint.MaxValue);
            Assert.Equal(before, SignalStack.Size);
        }
    }

    private unsafe struct FaultyJob : IBlockJob
    {
        public bool UsesTiles;
        public int Caught;
        public nint StackSize;

        public void Run(int block)
        {
            SignalStack.Enlarge();
            SignalStack.Enlarge();
            StackSize = SignalStack.Size;
            for (var round = 0; round < 100; round++)
            {
                if (UsesTiles) Multiply();
                try
                {
                    _ = LengthOf(null);
                }
                catch (NullReferenceException)
                {
                    Caught++;
                }
            }
        }

        private static void Multiply()
        {
            using var memory = new NativeBuffer(3 * AmxTileKernel.TileBytes);
            var arguments = new AmxTileArguments { Weights = (byte*)memory.Pointer, Input = (byte*)memory.Pointer, Sums = memory.Pointer, Steps = 1, Blocks = 1 };
            var kernel = AmxTileKernel.Find(2);
            kernel(&arguments);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static int LengthOf(string? text) => text!.Length;
    }
}
