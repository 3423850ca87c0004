using System.Runtime.CompilerServices;
using FalconMamba.Formats;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Kernels;

/// <summary>How a weight matrix stores its numbers; every format decodes exactly to float32.</summary>
internal unsafe interface IFloatFormat
{
    /// <summary>The type's row in the table of element types.</summary>
    static abstract TensorType Type { get; }

    /// <summary>Bytes of one number.</summary>
    static abstract int Size { get; }

    /// <summary>Reads sixteen numbers.</summary>
    static abstract T Load<T>(byte* source) where T : unmanaged, ILanes<T>;
}

/// <summary>float32.</summary>
internal readonly unsafe struct F32Format : IFloatFormat
{
    public static TensorType Type => TensorType.F32;

    public static int Size => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* source) where T : unmanaged, ILanes<T> => T.Load((float*)source);
}

/// <summary>bfloat16.</summary>
internal readonly unsafe struct BF16Format : IFloatFormat
{
    public static TensorType Type => TensorType.BF16;

    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* source) where T : unmanaged, ILanes<T> => T.LoadBFloat16((ushort*)source);
}

/// <summary>IEEE half precision.</summary>
internal readonly unsafe struct F16Format : IFloatFormat
{
    public static TensorType Type => TensorType.F16;

    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* source) where T : unmanaged, ILanes<T> => T.LoadHalf((ushort*)source);
}
