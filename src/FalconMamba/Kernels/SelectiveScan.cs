using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Kernels;

/// <summary>The weights of one layer's scan, channels up to a multiple of sixteen.</summary>
/// <param name="A">A · log₂e [D/16, N, 16].</param>
/// <param name="D">The skip connection [D].</param>
/// <param name="DtBias">[D].</param>
/// <param name="States">N.</param>
internal sealed record ScanWeights(NativeBuffer A, NativeBuffer D, NativeBuffer DtBias, int States);

/// <summary>The activations a scan reads and writes, a row a token.</summary>
/// <param name="X">x [D]; the gated output takes its place.</param>
/// <param name="Z">The gate z [D].</param>
/// <param name="Dt">dt [D] before its bias and softplus.</param>
/// <param name="B">B [N].</param>
/// <param name="C">C [N].</param>
internal readonly record struct ScanActivations(Rows X, Rows Z, Rows Dt, Rows B, Rows C);

/// <summary>
/// The selective scan of the Mamba paper with everything that is local to a channel around it, token by token:
/// dt = softplus(dt + bias); s = exp(dt·A)·s + (dt·x)·B; y = s·C; out = (y + D·x)·silu(z). Sixteen channels fill the lanes
/// and a loop runs over the states, so that B and C are broadcasts and no sum crosses lanes.
/// </summary>
internal unsafe struct SelectiveScan<T> : IBlockJob where T : unmanaged, ILanes<T>
{
    private const int PrefetchGroups = 3;

    private Segment[] _segments;
    private Ranges _ranges;
    private int _segmentCount, _layer, _width, _states, _xStride, _zStride, _dtStride, _bStride, _cStride;
    private float* _x, _z, _dt, _b, _c, _weightA, _weightD, _bias;

    /// <summary>Runs one layer's scan over all segments.</summary>
    public static void Run(
        Segment[] segments, int segmentCount, int layer, in ScanActivations rows, ScanWeights weights, int count, int width,
        ComputePool pool, int threads)
    {
        var job = new SelectiveScan<T>
        {
            _segments = segments,
            _segmentCount = segmentCount,
            _ranges = new Ranges(width, 2L * weights.States * sizeof(float), threads),
            _layer = layer,
            _width = width,
            _states = weights.States,
            _x = rows.X.Pointer(count, width),
            _xStride = rows.X.Stride,
            _z = rows.Z.Pointer(count, width),
            _zStride = rows.Z.Stride,
            _dt = rows.Dt.Pointer(count, width),
            _dtStride = rows.Dt.Stride,
            _b = rows.B.Pointer(count, weights.States),
            _bStride = rows.B.Stride,
            _c = rows.C.Pointer(count, weights.States),
            _cStride = rows.C.Stride,
            _weightA = new Rows(weights.A, width).Pointer(weights.States, width),
            _weightD = new Rows(weights.D, width).Pointer(1, width),
            _bias = new Rows(weights.DtBias, width).Pointer(1, width),
        };
        // Each state takes about ten multiplications, most of them in its exponential.
        pool.Run(ref job, job._ranges.Count, ComputePool.ThreadsFor((long)count * width * weights.States * 10, threads));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int block)
    {
        var (first, end) = _ranges[block];
        nint states = _states;
        for (var i = 0; i < _segmentCount; i++)
        {
            ref readonly var segment = ref _segments[i];
            for (var d = first; d < end; d += 16)
            {
                var a = _weightA + (d * states);
                var s = segment.Scan.Pointer + ((((nint)_layer * _width) + d) * states);
                var skip = T.Load(_weightD + d);
                var bias = T.Load(_bias + d);
                if (Sse.IsSupported)
                {
                    // One token leaves too little to do for the state of the next channels to come in time.
                    for (nint n = 0; n < states; n++)
                    {
                        Sse.Prefetch0(s + ((n + (PrefetchGroups * states)) * 16));
                        Sse.Prefetch0(a + ((n + (PrefetchGroups * states)) * 16));
                    }
                }

                for (nint row = segment.Row; row < segment.Row + segment.Count; row++)
                {
                    var place = _x + (row * _xStride) + d;
                    var x = T.Load(place);
                    var dt = LanesMath.Softplus(T.Load(_dt + (row * _dtStride) + d) + bias);
                    var input = dt * x;
                    var b = _b + (row * _bStride);
                    var c = _c + (row * _cStride);
                    T y = default;
                    for (nint n = 0; n < states; n++)
                    {
                        var decay = LanesMath.Exp2(dt * T.Load(a + (n * 16)));
                        var state = T.FusedMultiplyAdd(decay, T.Load(s + (n * 16)), input * T.Broadcast(b[n]));
                        T.Store(state, s + (n * 16));
                        y = T.FusedMultiplyAdd(state, T.Broadcast(c[n]), y);
                    }

                    y = T.FusedMultiplyAdd(skip, x, y);
                    T.Store(y * LanesMath.Silu(T.Load(_z + (row * _zStride) + d)), place);
                }
            }
        }
    }
}
