using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Kernels;
using FalconMamba.Kernels.Assembled;
using FalconMamba.Kernels.Lanes;
using FalconMamba.Quantization;
using FsCheck;
using FsCheck.Fluent;

namespace FalconMamba.Tests.Quantization;

/// <summary>The products of every block format with activations of 32 and of eight bits.</summary>
public class BlockDotTests
{
    [Fact]
    [Trait("Category", "Golden")]
    public void Products_are_the_recorded_ones() => FixtureFolder.ForEach<(string Path, BlockFormat Format)>(
        "quant/blocks",
        static folder =>
            from format in File.Exists(Path.Combine(folder, "dots.safetensors")) ? BlockFormats.All : []
            select (format.Type.ToString(), (Path.Combine(folder, "dots.safetensors"), format)),
        isPart: true,
        check: static golden =>
        {
            using var file = SafetensorsFile.Open(golden.Path);
            var name = golden.Format.Type.ToString();
            var x = file.Tensors["x"];
            int tokens = (int)x.Shape[0], columns = (int)x.Shape[1], rows = (int)file.Tensors[$"{name}.bytes"].Shape[0];
            var weights = Tensor.FromBytes(name, golden.Format.Type, [rows, columns], file.Tensors[$"{name}.bytes"].Bytes);
            using var input = new NativeBuffer(tokens * columns);
            x.CopyTo(input.Span);
            var bound = Values($"{name}.sum_abs");

            // Q8_1 holds its sum as float16, this library's activations hold it exactly.
            var tolerance = golden.Format.Type is TensorType.Q4_1 or TensorType.Q5_1 ? 4e-3 : 1e-6;
            foreach (var path in KernelSet.Paths)
            {
                Compare(Values($"{name}.exact"), Float(path), 1e-6);
                var recorded = new RecordedActivations(path, file.Tensors[$"{name}.xq_bytes"], weights);
                golden.Format.Accept(ref recorded);
                Compare(Values($"{name}.exact_xq"), recorded.Output, tolerance);
            }

            double[] Values(string key)
            {
                var values = new double[rows * tokens];
                file.Tensors[key].CopyTo(values);
                return values;
            }

            float[] Float(string path)
            {
                var output = new float[rows * tokens];
                using var scratch = new QuantizedActivations(0, 0);
                KernelSet.Create(path, 1, exact: true).MatrixProduct(weights, new Rows(input, columns), output, tokens, scratch);
                return output;
            }

            void Compare(double[] expected, float[] actual, double relative)
            {
                for (var i = 0; i < expected.Length; i++) Assert.True(Math.Abs(expected[i] - actual[i]) <= relative * bound[i], $"output {i}: {actual[i]:R} instead of {expected[i]:R}");
            }
        });

    [Fact]
    public void Any_blocks_and_activations_give_the_same_bits_on_every_path()
    {
        var cases =
            from format in Gen.Elements(BlockFormats.All.ToArray())
            from rows in Gen.Choose(1, 40)
            from blocks in Gen.Elements(1, 2, 3, 5, 8, 9, 16)
            from tokens in Gen.Choose(1, 8)
            from seed in Gen.Choose(0, int.MaxValue)
            select (format, Rows: rows, Blocks: blocks, Tokens: tokens, seed);
        Prop.ForAll(cases.ToArbitrary(), static test =>
        {
            var info = test.format.Type.Info();
            var columns = test.Blocks * info.BlockLength;
            var random = new Random(test.seed);
            var bytes = new byte[test.Rows * test.Blocks * info.BlockBytes];
            random.NextBytes(bytes);
            var weights = Tensor.FromBytes("w", test.format.Type, [test.Rows, columns], bytes);
            using var input = new NativeBuffer(test.Tokens * columns);
            foreach (ref var value in input.Span) value = MathF.Exp(random.NextSingle() * 20f - 10f) * (random.Next(2) == 0 ? 1 : -1);
            if (test.seed % 5 == 0) input.Span[random.Next(input.Length)] = test.seed % 2 == 0 ? float.PositiveInfinity : float.NaN;
            using var scratch = new QuantizedActivations(test.Tokens, columns);
            foreach (var exact in new[] { false, true })
            {
                var results = KernelSet.Paths.Select(path =>
                {
                    var output = new float[test.Rows * test.Tokens];
                    KernelSet.Create(path, 1, exact).MatrixProduct(weights, new Rows(input, columns), output, test.Tokens, scratch);
                    return output.Select(value => float.IsNaN(value) ? uint.MaxValue : BitConverter.SingleToUInt32Bits(value)).ToArray();
                }).ToArray();
                foreach (var result in results) if (!result.SequenceEqual(results[0])) return false;
            }

            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(400));
    }

    [Fact]
    public void Rows_of_more_blocks_than_the_stack_has_room_for_give_the_same_bits_on_every_path()
    {
        const int RowCount = 9, Columns = 1100 * 32;
        var random = new Random(11);
        var bytes = new byte[RowCount * Columns / 32 * 34];
        random.NextBytes(bytes);
        // Scales between 2⁻⁷ and 1.
        for (var i = 1; i < bytes.Length; i += 34) bytes[i] = (byte)(0x20 + (bytes[i] & 0x1B));
        var weights = Tensor.FromBytes("w", TensorType.Q8_0, [RowCount, Columns], bytes);
        using var input = new NativeBuffer(Columns);
        foreach (ref var value in input.Span) value = random.NextSingle() - 0.5f;
        using var scratch = new QuantizedActivations(1, Columns);
        var results = KernelSet.Paths.Select(path =>
        {
            var output = new float[RowCount];
            KernelSet.Create(path, 1).MatrixProduct(weights, new Rows(input, Columns), output, 1, scratch);
            return output;
        }).ToArray();
        foreach (var result in results) Assert.Equal(results[0], result);
        Assert.All(results[0], value => Assert.True(float.IsFinite(value) && value != 0));
    }

    /// <summary>Where sums of words are largest: all codes, scales and activations at their limits, beside random ones.</summary>
    [Fact]
    public void The_largest_numbers_give_the_same_bits_for_any_few_tokens()
    {
        foreach (var type in BlockFormats.All.Select(format => format.Type))
        {
            foreach (var (rows, blocks) in ((int, int)[])[(8, 1), (16, 2), (264, 9), (1032, 1)])
            {
                var info = type.Info();
                int columns = blocks * info.BlockLength, most = 33;
                var bytes = new byte[rows * blocks * info.BlockBytes];
                var random = new Random(rows);
                for (var i = 0; i < bytes.Length; i += info.BlockBytes)
                {
                    var block = bytes.AsSpan(i, info.BlockBytes);
                    switch (random.Next(4))
                    {
                        case 0: block.Fill(0xFF); break;
                        case 1: block.Fill(0x80); break;
                        case 2: block.Clear(); break;
                        default: random.NextBytes(block); break;
                    }

                    // The block's numbers near one.
                    BitConverter.TryWriteBytes(block[(type == TensorType.Q6_K ? info.BlockBytes - 2 : 0)..], (Half)(0.5 + random.NextDouble()));
                    if (type is TensorType.Q4_K or TensorType.Q5_K or TensorType.Q4_1 or TensorType.Q5_1) BitConverter.TryWriteBytes(block[2..], (Half)(0.5 + random.NextDouble()));
                }

                var weights = Tensor.FromBytes("w", type, [rows, columns], bytes);
                using var input = new NativeBuffer(most * columns);
                var x = input.Span;
                for (var i = 0; i < x.Length; i++)
                {
                    x[i] = (i / columns % 4) switch
                    {
                        0 => 1f,
                        1 => -1f,
                        // A group of the largest factor beside groups of the least.
                        2 => i / 32 % 2 == 0 ? 16f : 1f,
                        _ => random.NextSingle() - 0.5f,
                    };
                }

                var expected = Product("256", most);
                foreach (var threads in (int[])[1, 3])
                {
                    foreach (var tokens in Enumerable.Range(1, 20).Append(most))
                        Assert.True(expected.AsSpan(0, tokens * rows).SequenceEqual(Product(KernelSet.Paths[0], tokens, threads)), $"{type} {rows}x{columns}, {tokens} tokens, {threads} threads");
                }

                float[] Product(string path, int tokens, int threads = 1)
                {
                    var output = new float[tokens * rows];
                    using var scratch = new QuantizedActivations(tokens, columns);
                    KernelSet.Create(path, threads).MatrixProduct(weights, new Rows(input, columns), output, tokens, scratch);
                    return output;
                }
            }
        }
    }

    [Theory]
    [InlineData(TensorType.Q4_K, 75)]
    [InlineData(TensorType.Q4_K, 88)]
    [InlineData(TensorType.Q5_K, 75)]
    [InlineData(TensorType.Q5_K, 88)]
    [InlineData(TensorType.Q6_K, 75)]
    [InlineData(TensorType.Q6_K, 88)]
    [InlineData(TensorType.Q8_0, 75)]
    [InlineData(TensorType.Q8_0, 88)]
    [InlineData(TensorType.Q4_0, 75)]
    [InlineData(TensorType.Q5_0, 75)]
    public void Many_tokens_give_the_bits_that_each_alone_gives(TensorType type, int rowCount)
    {
        const int FirstRow = 5, Columns = 768, Tokens = 269;
        var blocks = RandomBlocks.Of(type, 0.02);
        var bytes = new byte[(rowCount + FirstRow) * Columns / type.Info().BlockLength * type.Info().BlockBytes];
        blocks.Fill(3, 0, 0, bytes);
        var weights = Tensor.FromBytes("w", type, [rowCount + FirstRow, Columns], bytes);
        using var input = new NativeBuffer(Tokens * Columns);
        using var bias = new NativeBuffer(rowCount + FirstRow + 16);
        var random = new Random(5);
        foreach (ref var value in input.Span) value = random.NextSingle() - 0.5f;
        foreach (ref var value in bias.Span) value = random.NextSingle() - 0.5f;
        using var scratch = new QuantizedActivations(Tokens, Columns);
        using NativeBuffer together = new(Tokens * rowCount), alone = new(Tokens * rowCount);
        foreach (var path in KernelSet.Paths)
        {
            var kernels = KernelSet.Create(path, 2);
            together.Span.Fill(0.25f);
            alone.Span.Fill(0.25f);
            kernels.MatrixProduct(weights, FirstRow, rowCount, new Rows(input, Columns), new Rows(together, rowCount), bias, Tokens, scratch, accumulate: true);
            for (var t = 0; t < Tokens; t++)
                kernels.MatrixProduct(weights, FirstRow, rowCount, new Rows(input, Columns, t * Columns), new Rows(alone, rowCount, t * rowCount), bias, 1, scratch, accumulate: true);
            Assert.True(alone.Span.SequenceEqual(together.Span), path);
        }
    }

    [Fact]
    public unsafe void Activations_are_rounded_to_the_nearest_code_of_their_group()
    {
        foreach (var block in new[] { 32, 256 })
        {
            const int columns = 512;
            using var input = new NativeBuffer(columns);
            var random = new Random(7);
            for (var i = 0; i < columns; i++) input.Span[i] = (random.NextSingle() - 0.5f) * (i == 5 || i == 300 ? 100f : i / 100f);
            using var scratch = new QuantizedActivations(1, columns);
            var rows = scratch.Rows(1, columns, block);
            ActivationQuantizer.Run(input.Pointer, columns, in rows, 1, ComputePool.Shared, 1);
            for (var i = 0; i < columns; i++)
            {
                var step = rows.Scales[i / block] * rows.Factors[i / 32];
                Assert.InRange(rows.Factors[i / 32], 1, block == 32 ? 1 : 16);
                Assert.InRange((sbyte)rows.Codes[i], -127, 127);
                Assert.Equal(input.Span[i], (sbyte)rows.Codes[i] * step, 0.5001f * step);
            }

            for (var i = 0; i < columns; i += 16)
                Assert.Equal(Enumerable.Range(i, 16).Sum(k => (sbyte)rows.Codes[k] * rows.Factors[i / 32]), rows.Sums[SumOf(i, block)]);
        }
    }

    [Fact]
    public unsafe void Activations_that_are_not_finite_stay_so_and_tiny_ones_are_zero()
    {
        using var input = new NativeBuffer(96);
        input.Span[1] = float.NaN;
        input.Span[33] = float.NegativeInfinity;
        input.Span[65] = float.Epsilon;
        using var scratch = new QuantizedActivations(1, 96);
        var rows = scratch.Rows(1, 96, 32);
        ActivationQuantizer.Run(input.Pointer, 96, in rows, 1, ComputePool.Shared, 1);
        Assert.True(float.IsNaN(rows.Scales[0]));
        Assert.True(float.IsNaN(rows.Scales[1]));
        Assert.Equal(0, rows.Scales[2], 1e-30f);
        for (var i = 0; i < 96; i++) Assert.Equal(0, rows.Codes[i]);
    }

    /// <summary>The place of the sum that a code is part of.</summary>
    private static int SumOf(int code, int block) => (code / block * block / 16) + (code / 16 % 2 * (block / 32)) + (code % block / 32);

    /// <summary>A product with activations that another library rounded: Q8_0, Q8_1 or Q8_K, told by their bytes a block.</summary>
    private struct RecordedActivations(string path, Tensor stored, Tensor weights) : IBlockFormatVisitor
    {
        public float[] Output { get; private set; } = [];

        public unsafe void Visit<TFormat>() where TFormat : unmanaged, IBlockFormat<TFormat>
        {
            int tokens = (int)stored.Shape[0], rowCount = (int)weights.Shape[0], columns = (int)weights.Shape[1], blocks = columns / TFormat.Length;
            using var scratch = new QuantizedActivations(tokens, columns);
            var rows = scratch.Rows(tokens, columns, TFormat.Length);
            var bytesOfBlock = (int)stored.Shape[1] / blocks;
            for (var i = 0; i < tokens * blocks; i++)
            {
                var block = stored.Bytes.Slice(i * bytesOfBlock, bytesOfBlock);
                rows.Scales[i] = TFormat.Length == 256 ? BitConverter.ToSingle(block) : (float)BitConverter.ToHalf(block);
                var codes = block.Slice(TFormat.Length == 256 ? 4 : bytesOfBlock - 32, TFormat.Length);
                codes.CopyTo(new Span<byte>(rows.Codes + (i * TFormat.Length), TFormat.Length));
            }

            new Span<byte>(rows.Factors, tokens * columns / 32).Fill(1);
            for (var i = 0; i < tokens * columns; i++) rows.Sums[SumOf(i, TFormat.Length)] += (sbyte)rows.Codes[i];
            Output = new float[tokens * rowCount];
            fixed (float* output = Output)
            {
                var arguments = new MatrixProductArguments
                {
                    Weights = weights.Pointer,
                    Output = output,
                    Rows = rowCount,
                    Columns = columns,
                    Tokens = tokens,
                    OutputStride = rowCount,
                };
                switch (path)
                {
                    case "amx" or "emitted" when IsTakenTogether(in arguments) && FewTokensProduct<TFormat>.TryRun(in arguments, in rows, scratch, ComputePool.Shared, 1): break;
                    case "amx" or "emitted" when IsTakenTogether(in arguments) && ManyTokensProduct<TFormat>.TryRun(in arguments, in rows, scratch, ComputePool.Shared, 1): break;
                    case "amx" or "emitted": BlockProduct<ByteLanes256, BytePair512, TFormat>.Run(in arguments, in rows, scratch, ComputePool.Shared, 1); break;
                    case "512" when BytePair512.IsSupported: Run<Lanes512, ByteLanes256, BytePair512, RowLanes512>(in arguments, in rows); break;
                    case "512": Run<Lanes512, ByteLanes256, BytePair<ByteLanes256>, RowLanes512>(in arguments, in rows); break;
                    case "256": Run<Lanes256, ByteLanes256, BytePair<ByteLanes256>, RowLanes256>(in arguments, in rows); break;
                    case "128": Run<Lanes128, ByteLanes128, BytePair<ByteLanes128>, RowLanes128>(in arguments, in rows); break;
                    default: Run<LanesGeneric, ByteLanesGeneric, BytePair<ByteLanesGeneric>, RowLanesGeneric>(in arguments, in rows); break;
                }
            }

            static bool IsTakenTogether(in MatrixProductArguments product) => product.Tokens > 1 && product.Rows % FewTokensKernel.Rows == 0;

            void Run<T, TBytes, TPair, TRows>(in MatrixProductArguments arguments, in QuantizedRows rows)
                where T : unmanaged, ILanes<T>
                where TBytes : unmanaged, IByteLanes<TBytes>
                where TPair : unmanaged, IBytePair<TPair, TBytes>
                where TRows : unmanaged, IRowLanes<TRows, T>
            {
                if (!TiledBlockProduct<T, TRows, TFormat>.TryRun(in arguments, in rows, scratch, ComputePool.Shared, 1))
                    BlockProduct<TBytes, TPair, TFormat>.Run(in arguments, in rows, null, ComputePool.Shared, 1);
            }
        }
    }
}
