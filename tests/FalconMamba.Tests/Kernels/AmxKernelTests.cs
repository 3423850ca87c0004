using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FalconMamba.Formats;
using FalconMamba.Kernels;
using FalconMamba.Kernels.Assembled;

namespace FalconMamba.Tests.Kernels;

/// <summary>The kernels for AMX, byte by byte as a processor would run them, on a machine that carries out their instructions.</summary>
public unsafe class AmxKernelTests
{
    private const string NoMachine = "On Windows a kernel begins with instructions that the machine of the tests does not know.";

    private static readonly byte[] Pair = AmxTileKernel.Assemble(2), Single = AmxTileKernel.Assemble(1);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_kernel_equals_the_sum_in_double_and_touches_its_operands_only(int tokenTiles)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), NoMachine);
        foreach (var steps in (int[])[1, 2, 5, 16])
        {
            foreach (var blocks in (int[])[1, 2, 3])
            {
                foreach (var goesOn in (bool[])[false, true]) Check(tokenTiles, steps, blocks, goesOn);
            }
        }
    }

    [Fact]
    public void The_trial_expects_what_the_kernel_computes()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), NoMachine);
        ushort[] weights = AmxTrial.Weights(), input = AmxTrial.Input();
        var sums = new float[AmxTrial.Sums().Length];
        fixed (ushort* w = weights, x = input)
        fixed (float* y = sums)
        {
            var arguments = new AmxTileArguments { Weights = (byte*)w, Input = (byte*)x, Sums = y, Steps = AmxTrial.Steps, Blocks = AmxTrial.Blocks };
            var machine = new TileMachine(Pair);
            machine.Call(&arguments);
            arguments.Continue = 1;
            machine.Call(&arguments);
        }

        Assert.Equal(AmxTrial.Sums(), sums);
        Assert.InRange(sums.Distinct().Count(), 50, sums.Length);
    }

    [Fact]
    public void Subnormal_numbers_count_as_zero()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), NoMachine);
        const ushort subnormal = 0x007F, large = 0x7F00, one = 0x3F80, least = 0x0080;
        Assert.Equal(0, First(subnormal, large));
        Assert.Equal(1.7014118e38f, First(large, one));
        // 2^-126, the least normal number, and a half of it.
        Assert.Equal(1.17549435e-38f, First(least, one));
        Assert.Equal(0, First(least, 0x3F00));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_edge_of_the_tiles_equals_the_sum_in_double(bool accumulates)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), NoMachine);
        Assert.SkipUnless(KernelAssembler.HasBFloat16, "This processor does not round to bfloat16.");
        // Around a pair, a step, and a stretch and two; a tile, two, and a panel and two; a tile, two, and a pass of tokens.
        foreach (var (rows, columns, tokens) in ((int, int, int)[])
            [
                (1, 1, 1), (1, 2, 16), (5, 3, 17), (16, 31, 31), (17, 32, 32), (31, 33, 33), (32, 64, 24), (33, 63, 48), (40, 77, 49),
                (63, 511, 40), (64, 512, 63), (65, 513, 64), (130, 544, 65), (97, 1040, 47), (34, 40, 255), (33, 520, 256), (48, 65, 257), (70, 36, 300), (200, 18, 530),
            ])
        {
            using var product = new Operands(rows, columns, tokens, accumulates);
            product.Multiply(tokens);
            product.Compare(tokens);
        }
    }

    [Fact]
    public void A_token_gives_the_same_bits_among_any_number_of_others()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), NoMachine);
        Assert.SkipUnless(KernelAssembler.HasBFloat16, "This processor does not round to bfloat16.");
        const int rows = 70, columns = 1100, tokens = 290;
        using var together = new Operands(rows, columns, tokens, accumulates: false);
        together.Multiply(tokens);
        foreach (var few in (int[])[24, 32, 33, 95, 257])
        {
            using var some = new Operands(rows, columns, tokens, accumulates: false);
            some.Multiply(few, threads: 3);
            Assert.True(some.Output[..(few * rows)].SequenceEqual(together.Output[..(few * rows)]));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_processor_computes_the_bits_of_the_manual(int tokenTiles)
    {
        Assert.SkipUnless(AmxSupport.IsUsable, $"No tiles: {AmxSupport.Obstacle}.");
        foreach (var anyNumber in (bool[])[false, true])
        {
            const int Steps = 5, Blocks = 3;
            var random = new Random(tokenTiles);
            ushort[] weights = Numbers(AmxTileKernel.Rows * Steps * 32, random), input = Numbers(Blocks * tokenTiles * Steps * 512, random);
            // Subnormal ones, infinite ones and none among them, and sums beyond the largest.
            if (anyNumber) random.NextBytes(MemoryMarshal.AsBytes(input.AsSpan()));
            float[] expected = Enumerable.Range(0, Blocks * tokenTiles * 512).Select(i => i * 1e-3f).ToArray(), actual = [.. expected];
            fixed (ushort* w = weights, x = input)
            fixed (float* y = expected, z = actual)
            {
                var arguments = new AmxTileArguments { Weights = (byte*)w, Input = (byte*)x, Sums = y, Steps = Steps, Blocks = Blocks, Continue = 1, Ahead = (byte*)w };
                new TileMachine(tokenTiles == 2 ? Pair : Single).Call(&arguments);
                var job = new KernelJob { Kernel = AmxTileKernel.Find(tokenTiles), Arguments = arguments with { Sums = z } };
                ComputePool.Shared.RunOnWorkers(ref job, 1, 1);
            }

            Assert.Equal(Bits(expected), Bits(actual));
        }
    }

    [Fact]
    public void A_product_on_tiles_equals_that_on_the_machine_bit_for_bit()
    {
        Assert.SkipUnless(AmxSupport.IsUsable, $"No tiles: {AmxSupport.Obstacle}.");
        foreach (var (rows, columns, tokens) in ((int, int, int)[])[(1, 1, 1), (33, 63, 48), (65, 513, 64), (97, 1040, 47), (34, 40, 300)])
        {
            using Operands expected = new(rows, columns, tokens, accumulates: true), actual = new(rows, columns, tokens, accumulates: true);
            expected.Multiply(tokens);
            actual.Multiply(tokens, onTiles: true);
            Assert.Equal(Bits(expected.Output), Bits(actual.Output));
        }
    }

    private static void Check(int tokenTiles, int steps, int blocks, bool goesOn)
    {
        var random = new Random((steps * 10) + blocks);
        int columns = steps * 32, tokens = blocks * tokenTiles * 16;
        ushort[] weights = Numbers(32 * columns, random), input = Numbers(tokens * columns, random);
        float[] sums = Enumerable.Range(0, 32 * tokens).Select(i => (float)i).ToArray(), before = sums.ToArray();
        var machine = new TileMachine(tokenTiles == 2 ? Pair : Single);
        fixed (ushort* w = weights, x = input)
        fixed (float* y = sums)
        {
            machine.Readable.AddRange([((nint)w, weights.Length * 2), ((nint)x, input.Length * 2), ((nint)y, sums.Length * 4)]);
            machine.Writable.Add(((nint)y, sums.Length * 4));
            var arguments = new AmxTileArguments
            {
                Weights = (byte*)w,
                Input = (byte*)x,
                Sums = y,
                Steps = steps,
                Blocks = blocks,
                Continue = goesOn ? 1 : 0,
            };
            machine.Call(&arguments);
        }

        Assert.True(machine.HasReleased);
        for (var token = 0; token < tokens; token++)
        {
            for (var row = 0; row < 32; row++)
            {
                // A tile of sums for every sixteen rows and tokens; of weights for sixteen rows, of inputs for sixteen tokens.
                int block = token / (16 * tokenTiles), side = token / 16 % tokenTiles;
                var place = (((((block * 2) + (row / 16)) * tokenTiles) + side) * 256) + (row % 16 * 16) + (token % 16);
                var expected = goesOn ? (double)before[place] : 0;
                for (var k = 0; k < columns; k++)
                {
                    var weight = weights[(((k / 32 * 32) + row) * 32) + (k % 32)];
                    var value = input[((((block * steps) + (k / 32)) * tokenTiles) + side) * 512 + (k % 32 / 2 * 32) + (token % 16 * 2) + (k % 2)];
                    expected += (double)Float(weight) * Float(value);
                }

                Assert.Equal(expected, sums[place], goesOn ? 1e-3 : 1e-5);
            }
        }
    }

    // The first number of a product whose operands are zero but for the first.
    private static float First(ushort weight, ushort value)
    {
        var weights = new ushort[1024];
        var input = new ushort[512];
        var sums = new float[512];
        (weights[0], input[0]) = (weight, value);
        fixed (ushort* w = weights, x = input)
        fixed (float* y = sums)
        {
            var arguments = new AmxTileArguments { Weights = (byte*)w, Input = (byte*)x, Sums = y, Steps = 1, Blocks = 1 };
            new TileMachine(Single).Call(&arguments);
        }

        return sums[0];
    }

    private static ushort[] Numbers(int count, Random random)
    {
        var numbers = new ushort[count];
        foreach (ref var number in numbers.AsSpan()) number = (ushort)(BitConverter.SingleToUInt32Bits(random.NextSingle() - 0.5f) >> 16);
        return numbers;
    }

    // Which of the numbers that are none a sum gives is nobody's business.
    private static uint[] Bits(ReadOnlySpan<float> numbers)
    {
        var bits = MemoryMarshal.Cast<float, uint>(numbers).ToArray();
        foreach (ref var number in bits.AsSpan()) if (float.IsNaN(BitConverter.UInt32BitsToSingle(number))) number = uint.MaxValue;
        return bits;
    }

    private static float Float(ushort number) => BitConverter.UInt32BitsToSingle((uint)number << 16);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void MultiplyPair(void* arguments) => new TileMachine(Pair).Call(arguments);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void MultiplySingle(void* arguments) => new TileMachine(Single).Call(arguments);

    private struct KernelJob : IBlockJob
    {
        public delegate* unmanaged[Cdecl]<void*, void> Kernel;
        public AmxTileArguments Arguments;

        public readonly void Run(int block)
        {
            Assert.True(SignalStack.Enlarge());
            var arguments = Arguments;
            Kernel(&arguments);
        }
    }

    /// <summary>A product with the machine in place of the kernels, unless it is wanted on tiles; everything before and behind them as it is.</summary>
    private sealed class Operands : IDisposable
    {
        private readonly int _rows, _columns, _stride, _outputStride;
        private readonly bool _accumulates;
        private readonly Tensor _weights;
        private readonly float[] _values;
        private readonly NativeBuffer _input, _output, _bias;

        public Operands(int rows, int columns, int tokens, bool accumulates)
        {
            var random = new Random(rows + columns);
            (_rows, _columns, _accumulates) = (rows, columns, accumulates);
            (_stride, _outputStride) = (((columns + 15) & ~15) + 16, rows + (accumulates ? 3 : 0));
            _weights = Tensor.FromBytes("w", TensorType.BF16, [rows, columns], MemoryMarshal.AsBytes<ushort>(Numbers(rows * columns, random)).ToArray());
            _values = _weights.ToSingle();
            (_input, _output, _bias) = (new NativeBuffer(tokens * _stride), new NativeBuffer((tokens * _outputStride) + 8), new NativeBuffer(rows));
            for (var token = 0; token < tokens; token++)
            {
                // What lies behind a row's padding is not part of it.
                var row = _input.Span.Slice(token * _stride, _stride);
                row.Fill(float.NaN);
                row[..((columns + 15) & ~15)].Clear();
                foreach (ref var x in row[..columns]) x = random.NextSingle() - 0.5f;
            }

            _output.Span.Fill(100);
            for (var row = 0; row < rows; row++) _bias.Span[row] = row;
        }

        public ReadOnlySpan<float> Output => _output.Span;

        public void Multiply(int tokens, int threads = 2, bool onTiles = false)
        {
            var arguments = new MatrixProductArguments
            {
                Weights = _weights.Pointer,
                Bias = _accumulates ? _bias.Pointer : null,
                Input = _input.Pointer,
                Output = _output.Pointer,
                Rows = _rows,
                Columns = _columns,
                Tokens = tokens,
                InputStride = _stride,
                OutputStride = _outputStride,
                Accumulate = _accumulates,
            };
            Assert.True(AmxProduct.HasLines(in arguments));
            if (onTiles) Assert.True(AmxProduct.TryRun(in arguments, ComputePool.Shared, threads));
            else AmxProduct.Run(in arguments, &MultiplyPair, &MultiplySingle, ComputePool.Shared, threads);
        }

        public void Compare(int tokens)
        {
            for (var token = 0; token < tokens; token++)
            {
                for (var row = 0; row < _rows; row++)
                {
                    var expected = _accumulates ? 100.0 + row : 0;
                    for (var k = 0; k < _columns; k++) expected += (double)_values[(row * _columns) + k] * Rounded(_input.Span[(token * _stride) + k]);
                    Assert.Equal(expected, Output[(token * _outputStride) + row], _accumulates ? 1e-4 : 1e-5);
                }

                foreach (var beyond in Output[((token * _outputStride) + _rows)..((token + 1) * _outputStride)]) Assert.Equal(100, beyond);
            }

            foreach (var beyond in Output[(tokens * _outputStride)..]) Assert.Equal(100, beyond);
        }

        public void Dispose()
        {
            _input.Dispose();
            _output.Dispose();
            _bias.Dispose();
        }

        private static float Rounded(float value)
        {
            var bits = BitConverter.SingleToUInt32Bits(value);
            return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
        }
    }
}
