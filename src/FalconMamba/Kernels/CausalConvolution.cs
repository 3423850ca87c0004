using System.Runtime.CompilerServices;
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
            for (var d = first; d < end; d += 16)
            {
                var weight = _weight + ((nint)d * _taps);
                var stored = segment.Convolution.Pointer + ((((nint)_layer * _width) + d) * (_taps - 1));
                var rows = _input + ((nint)segment.Row * _inputStride) + d;
                for (var t = 0; t < segment.Count; t++)
                {
                    var sum = _bias is null ? default : T.Load(_bias + d);
                    for (var k = 0; k < _taps; k++)
                        sum = T.FusedMultiplyAdd(T.Load(weight + (k * 16)), Column(stored, rows, t - _taps + 1 + k), sum);
                    T.Store(LanesMath.Silu(sum), _output + ((nint)(segment.Row + t) * _outputStride) + d);
                }

                // Ascending, so that a short chunk shifts what is stored without losing any of it.
                for (var k = 0; k < _taps - 1; k++)
                    T.Store(Column(stored, rows, segment.Count - _taps + 1 + k), stored + (k * 16));
            }
        }
    }

    /// <summary>u at time <paramref name="t"/> of the segment; negative times lie in the state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly T Column(float* stored, float* rows, int t) =>
        T.Load(t < 0 ? stored + ((t + _taps - 1) * 16) : rows + ((nint)t * _inputStride));
}
