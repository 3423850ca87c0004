using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Kernels;

/// <summary>The weights of one layer's convolution, channels up to a multiple of sixteen.</summary>
/// <param name="Weight">w [D/16, K, 16].</param>
/// <param name="Bias">[D], or null.</param>
/// <param name="Taps">K.</param>
internal sealed record ConvolutionWeights(NativeBuffer Weight, NativeBuffer? Bias, int Taps);

/// <summary>
/// The causal depthwise convolution over time and the activation behind it:
/// x[t, d] = silu(bias[d] + Σₖ w[k, d] · u[t − K + 1 + k, d]). Inputs before the pass come from the state; stored and new
/// columns go through the same loads, so that a chunk's border leaves no trace.
/// </summary>
internal unsafe struct CausalConvolution<T> : IBlockJob where T : unmanaged, ILanes<T>
{
    private const int MostTokens = 64;

    private Segment[] _segments;
    private Ranges _ranges;
    private int _segmentCount, _layer, _inputStride, _outputStride, _width, _taps;
    private float* _input, _output, _weight, _bias;

    /// <summary>Runs one layer's convolution over all segments.</summary>
    public static void Run(
        Segment[] segments, int segmentCount, int layer, Rows input, Rows output, ConvolutionWeights weights, int rows, int width,
        ComputePool pool, int threads)
    {
        var job = new CausalConvolution<T>
        {
            _segments = segments,
            _segmentCount = segmentCount,
            _ranges = new Ranges(width, 2L * weights.Taps * sizeof(float), threads),
            _layer = layer,
            _input = input.Pointer(rows, width),
            _inputStride = input.Stride,
            _output = output.Pointer(rows, width),
            _outputStride = output.Stride,
            _weight = new Rows(weights.Weight, width).Pointer(weights.Taps, width),
            _bias = weights.Bias is null ? null : new Rows(weights.Bias, width).Pointer(1, width),
            _width = width,
            _taps = weights.Taps,
        };
        pool.Run(ref job, job._ranges.Count, ComputePool.ThreadsFor((long)rows * width * weights.Taps, threads));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int block)
    {
        var (first, end) = _ranges[block];
        for (var i = 0; i < _segmentCount; i++)
        {
            ref readonly var segment = ref _segments[i];
            for (var start = 0; start < segment.Count; start += MostTokens)
            {
                var stop = Math.Min(segment.Count, start + MostTokens);
                for (var d = first; d < end; d += 16)
                {
                    var place = (((nint)_layer * _width) + d) * (_taps - 1);
                    float* stored = segment.ConvolutionBefore.Pointer + place, kept = segment.Convolution.Pointer + place;
                    var rows = _input + ((nint)segment.Row * _inputStride) + d;
                    var output = _output + ((nint)segment.Row * _outputStride) + d;
                    if (_taps == 4) ConvolveFour(d, stored, rows, output, start, stop);
                    else Convolve(d, stored, rows, output, start, stop);
                    if (stop < segment.Count) continue;

                    // Ascending, so that a short chunk shifts what is stored without losing any of it.
                    for (var k = 0; k < _taps - 1; k++)
                        T.Store(Column(stored, rows, segment.Count - _taps + 1 + k), kept + (k * 16));
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Convolve(int d, float* stored, float* rows, float* output, int start, int stop)
    {
        var weight = _weight + ((nint)d * _taps);
        for (var t = start; t < stop; t++)
        {
            var sum = _bias is null ? default : T.Load(_bias + d);
            for (var k = 0; k < _taps; k++)
                sum = T.FusedMultiplyAdd(T.Load(weight + (k * 16)), Column(stored, rows, t - _taps + 1 + k), sum);
            T.Store(LanesMath.Silu(sum), output + ((nint)t * _outputStride));
        }
    }

    /// <summary>The same for four taps: an input is read once and stays in registers while it is needed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ConvolveFour(int d, float* stored, float* rows, float* output, int start, int stop)
    {
        var weight = _weight + ((nint)d * 4);
        T w0 = T.Load(weight), w1 = T.Load(weight + 16), w2 = T.Load(weight + 32), w3 = T.Load(weight + 48);
        var bias = _bias is null ? default : T.Load(_bias + d);
        T u0 = Column(stored, rows, start - 3), u1 = Column(stored, rows, start - 2), u2 = Column(stored, rows, start - 1);
        nint inputStride = _inputStride, outputStride = _outputStride;
        float* from = rows + (start * inputStride), to = output + (start * outputStride);
        for (var t = start; t < stop; t++)
        {
            if (Sse.IsSupported)
            {
                // The next channels'.
                Sse.Prefetch0(from + 16);
                Sse.Prefetch0(to + 16);
            }

            var u3 = T.Load(from);
            var sum = T.FusedMultiplyAdd(w3, u3, T.FusedMultiplyAdd(w2, u2, T.FusedMultiplyAdd(w1, u1, T.FusedMultiplyAdd(w0, u0, bias))));
            T.Store(LanesMath.Silu(sum), to);
            (u0, u1, u2) = (u1, u2, u3);
            from += inputStride;
            to += outputStride;
        }
    }

    /// <summary>u at time <paramref name="t"/> of the segment; negative times lie in the state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly T Column(float* stored, float* rows, int t) =>
        T.Load(t < 0 ? stored + ((t + _taps - 1) * 16) : rows + ((nint)t * _inputStride));
}
