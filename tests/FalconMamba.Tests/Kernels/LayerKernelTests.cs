using System.Runtime.InteropServices;
using FalconMamba.Kernels;

namespace FalconMamba.Tests.Kernels;

/// <summary>The kernels between the matrix products: all paths against the generic twin bit for bit, and the twin against sums in double.</summary>
public class LayerKernelTests
{
    private static readonly string[] VectorPaths = [.. KernelSet.Paths.Where(path => path != "generic")];

    public static TheoryData<int, int, int[]> Scans => new()
    {
        { 16, 16, [1] },
        { 48, 16, [2, 1, 3] },
        { 144, 16, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] },
        { 32, 16, [11, 12, 13, 14, 15, 16, 17, 18, 19, 20] },
        { 32, 16, [63, 64, 65, 130] },
        { 48, 1, [1, 5, 66] },
        { 32, 5, [1, 2, 20] },
        { 32, 8, [1, 3, 65] },
        { 16, 17, [1, 2, 67] },
    };

    public static TheoryData<int, int, bool, int[]> Convolutions => new()
    {
        { 16, 4, true, [1] },
        { 144, 4, true, [1, 2, 3, 4, 5, 6, 7, 8] },
        { 32, 4, false, [9, 20, 63, 64, 65, 130] },
        { 48, 3, true, [1, 2, 3, 64, 66] },
        { 32, 2, false, [1, 2, 65] },
        { 16, 6, true, [1, 3, 4, 5, 7, 130] },
    };

    [Theory]
    [MemberData(nameof(Scans))]
    public void A_scan_has_the_twins_bits_and_the_equations_values(int width, int states, int[] segments)
    {
        using var expected = new ScanRun(width, states, segments);
        expected.Run("generic", 1);
        expected.Check();
        foreach (var path in VectorPaths)
        {
            foreach (var threads in (int[])[1, 2])
            {
                using var run = new ScanRun(width, states, segments);
                run.Run(path, threads);
                Assert.Equal(Bits(expected.X.Buffer), Bits(run.X.Buffer));
                Assert.Equal(Bits(expected.State), Bits(run.State));
            }
        }
    }

    [Fact]
    public void A_scan_leaves_no_trace_of_where_it_was_cut()
    {
        foreach (var path in VectorPaths)
        {
            using var whole = new ScanRun(48, 16, [150]);
            whole.Run(path, 1);
            using var parts = new ScanRun(48, 16, [150]);
            for (int row = 0, length = 1; row < 150; row += length, length = (length * 3 % 41) + 1) parts.Run(path, 1, row, Math.Min(length, 150 - row));
            Assert.Equal(Bits(whole.X.Buffer), Bits(parts.X.Buffer));
            Assert.Equal(Bits(whole.State), Bits(parts.State));
        }
    }

    [Theory]
    [MemberData(nameof(Convolutions))]
    public void A_convolution_has_the_twins_bits_and_the_equations_values(int width, int taps, bool hasBias, int[] segments)
    {
        using var expected = new ConvolutionRun(width, taps, hasBias, segments);
        expected.Run("generic", 1);
        expected.Check();
        foreach (var path in VectorPaths)
        {
            foreach (var threads in (int[])[1, 2])
            {
                using var run = new ConvolutionRun(width, taps, hasBias, segments);
                run.Run(path, threads);
                Assert.Equal(Bits(expected.Output.Buffer), Bits(run.Output.Buffer));
                Assert.Equal(Bits(expected.State), Bits(run.State));
            }
        }
    }

    [Fact]
    public void A_norm_of_any_width_has_the_twins_bits_and_the_roots_value()
    {
        foreach (var width in (int[])[1, 15, 16, 17, 48, 63, 64, 65, 128, 200, 320])
        {
            var padded = (width + 15) & ~15;
            var input = RandomRows(5, width, padded + 16, width);
            using var weight = RandomRows(1, width, padded, width + 1).Buffer;
            using var expected = new NativeBuffer(5 * padded);
            KernelSet.Create("generic", 1).RmsNorm(input, new Rows(expected, padded), weight, 5, width, 1e-5f);
            for (var row = 0; row < 5; row++)
            {
                var square = 0.0;
                foreach (var x in input.Row(row, width)) square += (double)x * x;
                for (var i = 0; i < width; i++)
                    Assert.Equal(input.Row(row, width)[i] / Math.Sqrt((square / width) + 1e-5) * weight.Span[i], expected.Span[(row * padded) + i], 1e-6);
            }

            foreach (var path in VectorPaths)
            {
                using var output = new NativeBuffer(5 * padded);
                KernelSet.Create(path, 2).RmsNorm(input, new Rows(output, padded), weight, 5, width, 1e-5f);
                Assert.Equal(Bits(expected), Bits(output));
            }

            input.Buffer.Dispose();
        }
    }

    private static ReadOnlySpan<int> Bits(NativeBuffer buffer) => MemoryMarshal.Cast<float, int>(buffer.Span);

    private static Rows RandomRows(int rows, int width, int stride, int seed, float least = -1, float most = 1)
    {
        var random = new Random(seed);
        var result = new Rows(new NativeBuffer(rows * stride), stride);
        for (var row = 0; row < rows; row++)
            foreach (ref var number in result.Row(row, width)) number = least + ((most - least) * random.NextSingle());
        return result;
    }

    private static double Silu(double x) => x / (1 + Math.Exp(-x));

    private static int Place(int channel, int index, int count) => (((channel / 16 * count) + index) * 16) + (channel % 16);

    private sealed class ScanRun : IDisposable
    {
        private readonly int _width, _states, _rows;
        private readonly int[] _counts;
        private readonly Rows _z, _dt, _b, _c;
        private readonly ScanWeights _weights;
        private readonly float[] _x, _before;
        private readonly NativeBuffer[] _pasts;

        public ScanRun(int width, int states, int[] counts)
        {
            (_width, _states, _counts, _rows) = (width, states, counts, counts.Sum());
            X = RandomRows(_rows, width, width + 16, 1);
            _z = RandomRows(_rows, width, (2 * width) + 16, 2, -9, 9);
            _dt = RandomRows(_rows, width, width, 3, -9, 4);
            _b = RandomRows(_rows, states, states + 3, 4);
            _c = RandomRows(_rows, states, states + 1, 5);
            // From a decay near 1 to one that leaves nothing.
            _weights = new ScanWeights(
                RandomRows(states, width, width, 6, -30, 0).Buffer, RandomRows(1, width, width, 7).Buffer, RandomRows(1, width, width, 8).Buffer, states);
            State = RandomRows(counts.Length, 2 * width * states, 2 * width * states, 9).Buffer;
            _pasts = [.. counts.Select((_, i) => State.Slice(i * 2 * width * states, 2 * width * states))];
            (_x, _before) = (X.Buffer.Span.ToArray(), State.Span.ToArray());
        }

        public Rows X { get; }

        public NativeBuffer State { get; }

        public void Run(string path, int threads)
        {
            var row = 0;
            var segments = new Segment[_counts.Length];
            for (var i = 0; i < segments.Length; row += _counts[i++]) segments[i] = new Segment(row, _counts[i], State, _pasts[i]);
            Run(path, threads, segments);
        }

        public void Run(string path, int threads, int row, int count) => Run(path, threads, [new Segment(row, count, State, _pasts[0])]);

        public void Check()
        {
            for (int i = 0, row = 0; i < _counts.Length; row += _counts[i++])
                for (var d = 0; d < _width; d++) Check(i, row, d);
        }

        public void Dispose()
        {
            foreach (var buffer in (NativeBuffer[])[X.Buffer, _z.Buffer, _dt.Buffer, _b.Buffer, _c.Buffer, _weights.A, _weights.D, _weights.DtBias, State]) buffer.Dispose();
        }

        private void Run(string path, int threads, Segment[] segments) => KernelSet.Create(path, threads)
            .SelectiveScan(segments, segments.Length, 1, new ScanActivations(X, _z, _dt, _b, _c), _weights, _rows, _width);

        private void Check(int segment, int row, int d)
        {
            var states = new double[_states];
            var past = (((segment * 2) + 1) * _width * _states) + Place(d, 0, _states);
            for (var n = 0; n < _states; n++) states[n] = _before[past + (16 * n)];
            for (var t = row; t < row + _counts[segment]; t++)
            {
                double x = _x[(t * X.Stride) + d], raw = _dt.Row(t, _width)[d] + (double)_weights.DtBias.Span[d];
                var dt = Math.Max(raw, 0) + Math.Log(1 + Math.Exp(-Math.Abs(raw)));
                var y = _weights.D.Span[d] * x;
                for (var n = 0; n < _states; n++)
                {
                    states[n] = (Math.Pow(2, dt * _weights.A.Span[Place(d, n, _states)]) * states[n]) + (dt * x * _b.Row(t, _states)[n]);
                    y += states[n] * _c.Row(t, _states)[n];
                }

                var expected = y * Silu(_z.Row(t, _width)[d]);
                Assert.Equal(expected, X.Row(t, _width)[d], 5e-5 * Math.Max(1, Math.Abs(expected)));
            }

            for (var n = 0; n < _states; n++) Assert.Equal(states[n], State.Span[past + (16 * n)], 2e-5 * Math.Max(1, Math.Abs(states[n])));
        }
    }

    private sealed class ConvolutionRun : IDisposable
    {
        private readonly int _width, _taps, _rows;
        private readonly int[] _counts;
        private readonly Rows _input;
        private readonly ConvolutionWeights _weights;
        private readonly float[] _before;
        private readonly NativeBuffer[] _pasts;

        public ConvolutionRun(int width, int taps, bool hasBias, int[] counts)
        {
            (_width, _taps, _counts, _rows) = (width, taps, counts, counts.Sum());
            _input = RandomRows(_rows, width, (2 * width) + 16, 1);
            Output = RandomRows(_rows, width, width + 16, 2);
            _weights = new ConvolutionWeights(RandomRows(taps, width, width, 3).Buffer, hasBias ? RandomRows(1, width, width, 4).Buffer : null, taps);
            var past = 2 * width * (taps - 1);
            State = RandomRows(counts.Length, past, past, 5).Buffer;
            _pasts = [.. counts.Select((_, i) => State.Slice(i * past, past))];
            _before = State.Span.ToArray();
        }

        public Rows Output { get; }

        public NativeBuffer State { get; }

        public void Run(string path, int threads)
        {
            var row = 0;
            var segments = new Segment[_counts.Length];
            for (var i = 0; i < segments.Length; row += _counts[i++]) segments[i] = new Segment(row, _counts[i], _pasts[i], State);
            KernelSet.Create(path, threads).CausalConvolution(segments, segments.Length, 1, _input, Output, _weights, _rows, _width);
        }

        public void Check()
        {
            for (int i = 0, row = 0; i < _counts.Length; row += _counts[i++])
            {
                for (var d = 0; d < _width; d++)
                {
                    for (var t = 0; t < _counts[i]; t++)
                    {
                        double sum = _weights.Bias?.Span[d] ?? 0;
                        for (var k = 0; k < _taps; k++) sum += _weights.Weight.Span[Place(d, k, _taps)] * Input(i, row, d, t - _taps + 1 + k);
                        Assert.Equal(Silu(sum), Output.Row(row + t, _width)[d], 1e-6 * Math.Max(1, Math.Abs(sum)));
                    }

                    for (var k = 0; k < _taps - 1; k++) Assert.Equal((float)Input(i, row, d, _counts[i] - _taps + 1 + k), State.Span[Past(i, d, k)]);
                }
            }
        }

        public void Dispose()
        {
            foreach (var buffer in (NativeBuffer?[])[_input.Buffer, Output.Buffer, _weights.Weight, _weights.Bias, State]) buffer?.Dispose();
        }

        private double Input(int segment, int row, int d, int t) =>
            t < 0 ? _before[Past(segment, d, t + _taps - 1)] : _input.Row(row + t, _width)[d];

        private int Past(int segment, int d, int k) => (((segment * 2) + 1) * _width * (_taps - 1)) + Place(d, k, _taps - 1);
    }
}
