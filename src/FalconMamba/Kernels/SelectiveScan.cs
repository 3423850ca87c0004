using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using FalconMamba.Kernels.Assembled;
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
/// The selective scan of the Mamba paper with everything that is local to a channel around it:
/// dt = softplus(dt + bias); s = exp(dt·A)·s + (dt·x)·B; out = (D·x + s·C)·silu(z). Sixteen channels fill the lanes, so that B
/// and C are broadcasts and no sum crosses lanes. Tokens go by as many as the first-level cache holds of sixteen channels.
/// </summary>
internal unsafe struct SelectiveScan<T> : IBlockJob where T : unmanaged, ILanes<T>
{
    private const int PrefetchGroups = 3, MostTokens = 64, LineBytes = 64, LineFloats = 16;

    private Segment[] _segments;
    private Ranges _ranges;
    private int _segmentCount, _layer, _width, _states, _xStride, _zStride, _dtStride, _bStride, _cStride;
    private delegate* unmanaged[Cdecl]<void*, void> _assembled, _assembledStep;
    private float* _x, _z, _dt, _b, _c, _weightA, _weightD, _bias;

    /// <summary>Runs one layer's scan over all segments.</summary>
    public static void Run(
        Segment[] segments, int segmentCount, int layer, in ScanActivations rows, ScanWeights weights, int count, int width,
        ComputePool pool, int threads, bool assembled)
    {
        var job = new SelectiveScan<T>
        {
            _segments = segments,
            _segmentCount = segmentCount,
            _ranges = new Ranges(width, 2L * weights.States * sizeof(float), threads),
            _assembled = assembled ? ScanKernel.Find(weights.States) : null,
            _assembledStep = assembled ? ScanStepKernel.Find(weights.States) : null,
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

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int block)
    {
        var (first, end) = _ranges[block];
        var room = stackalloc float[(MostTokens * ScanKernel.ColumnFloats) + LineFloats - 1];
        var columns = (float*)(((nuint)room + LineBytes - 1) & ~(nuint)(LineBytes - 1));
        for (var i = 0; i < _segmentCount; i++)
        {
            ref readonly var segment = ref _segments[i];
            if (_assembledStep != null && segment.Count == 1)
            {
                Bring(in segment, first, end - first);
                RunAssembled(_assembledStep, segment.Row, (end - first) / LineFloats, first, State(in segment, first), null);
                continue;
            }

            for (var done = 0; done < segment.Count; done += MostTokens)
            {
                var count = Math.Min(MostTokens, segment.Count - done);
                for (nint d = first; d < end; d += 16)
                {
                    var s = State(in segment, d);
                    if (done == 0) Bring(in segment, d, LineFloats);
                    Prefetch(s, d);
                    if (_assembled != null) RunAssembled(_assembled, segment.Row + done, count, d, s, columns);
                    else Scan(segment.Row + done, count, d, s, columns);
                }
            }
        }
    }

    // One token leaves too little to do for the state of the next channels to come in time.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Prefetch(float* s, nint d)
    {
        if (!Sse.IsSupported) return;
        nint states = _states;
        var a = _weightA + (d * states);
        for (nint n = PrefetchGroups * states; n < (PrefetchGroups + 1) * states; n++)
        {
            Sse.Prefetch0(s + (n * 16));
            Sse.Prefetch0(a + (n * 16));
        }
    }

    /// <summary>Brings some channels' state to where the scan moves it forward.</summary>
    private readonly void Bring(ref readonly Segment segment, nint d, nint channels)
    {
        if (segment.ScanBefore == segment.Scan) return;
        var place = (((nint)_layer * _width) + d) * _states;
        NativeMemory.Copy(segment.ScanBefore.Pointer + place, segment.Scan.Pointer + place, (nuint)(channels * _states * sizeof(float)));
    }

    private readonly float* State(ref readonly Segment segment, nint d) => segment.Scan.Pointer + ((((nint)_layer * _width) + d) * _states);

    private readonly void RunAssembled(delegate* unmanaged[Cdecl]<void*, void> kernel, nint row, int count, nint d, float* s, float* columns)
    {
        var arguments = new ScanKernelArguments
        {
            X = _x + (row * _xStride) + d,
            Dt = _dt + (row * _dtStride) + d,
            Z = _z + (row * _zStride) + d,
            XStride = _xStride * (long)sizeof(float),
            DtStride = _dtStride * (long)sizeof(float),
            ZStride = _zStride * (long)sizeof(float),
            B = _b + (row * _bStride),
            C = _c + (row * _cStride),
            BStride = _bStride * (long)sizeof(float),
            CStride = _cStride * (long)sizeof(float),
            A = _weightA + (d * _states),
            State = s,
            Skip = _weightD + d,
            Bias = _bias + d,
            Columns = columns,
            Count = count,
        };
        kernel(&arguments);
    }

    /// <summary>Some tokens of sixteen channels: first what needs no state, then a pair of states after the other over the tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Scan(nint row, int count, nint d, float* s, float* columns)
    {
        float* steps = columns, inputs = steps + (MostTokens * 16), outputs = inputs + (MostTokens * 16);
        var skip = T.Load(_weightD + d);
        var bias = T.Load(_bias + d);
        for (nint t = 0; t < count; t++)
        {
            var atX = _x + ((row + t) * _xStride) + d;
            var atDt = _dt + ((row + t) * _dtStride) + d;
            PrefetchNext(atX);
            PrefetchNext(atDt);
            var x = T.Load(atX);
            var dt = LanesMath.Softplus(T.Load(atDt) + bias);
            T.Store(dt, steps + (t * 16));
            T.Store(dt * x, inputs + (t * 16));
            T.Store(skip * x, outputs + (t * 16));
        }

        nint n = 0;
        for (; n + 2 <= _states; n += 2) MoveTwo(row, count, n, _weightA + ((d * _states) + (n * 16)), s + (n * 16), steps, inputs, outputs);
        if (n < _states) MoveOne(row, count, n, _weightA + ((d * _states) + (n * 16)), s + (n * 16), steps, inputs, outputs);

        for (nint t = 0; t < count; t++)
        {
            var z = _z + ((row + t) * _zStride) + d;
            PrefetchNext(z);
            T.Store(T.Load(outputs + (t * 16)) * LanesMath.Silu(T.Load(z)), _x + ((row + t) * _xStride) + d);
        }
    }

    /// <summary>Moves two neighbouring states over the tokens and adds what they give to the outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void MoveTwo(nint row, int count, nint n, float* a, float* s, float* steps, float* inputs, float* outputs)
    {
        T a0 = T.Load(a), a1 = T.Load(a + 16), s0 = T.Load(s), s1 = T.Load(s + 16);
        nint bStride = _bStride, cStride = _cStride;
        float* b = _b + (row * bStride) + n, c = _c + (row * cStride) + n;
        for (nint t = 0; t < count * 16; t += 16)
        {
            var dt = T.Load(steps + t);
            var input = T.Load(inputs + t);
            var y = T.Load(outputs + t);
            s0 = T.FusedMultiplyAdd(LanesMath.Exp2(dt * a0), s0, input * T.Broadcast(b[0]));
            s1 = T.FusedMultiplyAdd(LanesMath.Exp2(dt * a1), s1, input * T.Broadcast(b[1]));
            y = T.FusedMultiplyAdd(s0, T.Broadcast(c[0]), y);
            T.Store(T.FusedMultiplyAdd(s1, T.Broadcast(c[1]), y), outputs + t);
            b += bStride;
            c += cStride;
        }

        T.Store(s0, s);
        T.Store(s1, s + 16);
    }

    /// <summary>The same with the last of an odd number of states.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void MoveOne(nint row, int count, nint n, float* a, float* s, float* steps, float* inputs, float* outputs)
    {
        T rate = T.Load(a), state = T.Load(s);
        nint bStride = _bStride, cStride = _cStride;
        float* b = _b + (row * bStride) + n, c = _c + (row * cStride) + n;
        for (nint t = 0; t < count * 16; t += 16)
        {
            state = T.FusedMultiplyAdd(LanesMath.Exp2(T.Load(steps + t) * rate), state, T.Load(inputs + t) * T.Broadcast(*b));
            T.Store(T.FusedMultiplyAdd(state, T.Broadcast(*c), T.Load(outputs + t)), outputs + t);
            b += bStride;
            c += cStride;
        }

        T.Store(state, s);
    }

    // The same token's next sixteen channels, which come next.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchNext(float* place)
    {
        if (Sse.IsSupported) Sse.Prefetch0(place + 16);
    }
}
