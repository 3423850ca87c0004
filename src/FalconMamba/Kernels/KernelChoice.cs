using FalconMamba.Formats;
using FalconMamba.Kernels.Assembled;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Kernels;

/// <summary>A kernel that works on a tensor, and why this one does.</summary>
/// <param name="Name">The type under <c>Kernels/</c> that it is written in.</param>
/// <param name="Instructions">The instructions that it mainly uses on this machine.</param>
/// <param name="Reason">Why it was chosen.</param>
/// <remarks>
/// A family of products has a method here, which asks what the family's own code asks and in the same order. A new kernel is
/// a line in its family's method.
/// </remarks>
public sealed record KernelChoice(string Name, string Instructions, string Reason)
{
    /// <summary>The reason where a kernel could be assembled, and the system forbids it.</summary>
    internal const string NoCode = "the system allows no code to be made";

    private const string Avx512 = "AVX-512F", Vnni = "AVX-512 VNNI", Emulated = "narrower vectors";

    /// <summary>The product with weights of F32, F16 or BF16, as <see cref="MatrixProduct{T, TFormat}"/> chooses.</summary>
    /// <param name="kernels">The path.</param>
    /// <param name="rows">Rows of the weights.</param>
    /// <param name="columns">Columns of the weights.</param>
    /// <param name="tokens">Rows of the activations.</param>
    internal static unsafe KernelChoice OfFloats<T, TFormat>(KernelSet kernels, int rows, int columns, int tokens)
        where T : unmanaged, ILanes<T>
        where TFormat : struct, IFloatFormat
    {
        var arguments = new MatrixProductArguments { Rows = rows, Columns = columns, Tokens = tokens };
        if (!kernels.Assembled) return new(nameof(MatrixProduct<,>), Floats<T>(), kernels.Reason);
        if (FloatTileKernel.Find(TileNumbers.Float32, 1, 1) is null) return new(nameof(MatrixProduct<,>), Floats<T>(), NoCode);
        return MatrixProduct<T, TFormat>.PathOf(in arguments, kernels.Rounding) switch
        {
            (FloatPath.Amx, _) => new(nameof(AmxProduct), "AMX-BF16", kernels.Rounding == ActivationRounding.ForAmx ? kernels.Reason : "measured: AMX, with activations rounded to bfloat16, pays here"),
            (FloatPath.OneToken, false) when FloatKernel.Find(TFormat.Type, columns) is null => new(nameof(MatrixProduct<,>), Floats<T>(), "rows are not a multiple of 64 bytes"),
            (var path, true) => new(NameOf(path), "AVX-512 BF16", "measured: rounding activations to bfloat16 pays here"),
            (var path, false) => new(NameOf(path), Avx512, kernels.Reason),
        };

        static string NameOf(FloatPath path) => path switch
        {
            FloatPath.OneToken => nameof(FloatKernel),
            FloatPath.Streamed => nameof(StreamedProduct),
            _ => nameof(PanelProduct),
        };
    }

    /// <summary>The product with weights of a block format and activations of eight bits, as <see cref="BlockProduct{TBytes, TPair, TFormat}"/> chooses.</summary>
    /// <param name="kernels">The path.</param>
    /// <param name="type">The block format.</param>
    /// <param name="rows">Rows of the weights.</param>
    /// <param name="columns">Columns of the weights.</param>
    /// <param name="tokens">Rows of the activations.</param>
    internal static unsafe KernelChoice OfBlocks<T, TBytes, TPair, TRows>(KernelSet kernels, TensorType type, int rows, int columns, int tokens)
        where T : unmanaged, ILanes<T>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TPair : unmanaged, IBytePair<TPair, TBytes>
        where TRows : unmanaged, IRowLanes<TRows, T>
    {
        if (kernels.Assembled && FewTokensKernel.Takes(rows, tokens) && FewTokensKernel.Find(type, FewTokensKernel.MostTokens) != null)
            return new(nameof(FewTokensKernel), Vnni, kernels.Reason);
        if (kernels.HasBlockKernel(type))
        {
            return columns / type.Info().BlockLength <= BlockKernel.MostBlocks
                ? new(nameof(BlockKernel), Vnni, kernels.Reason)
                : new(nameof(BlockProduct<,,>), Bytes<TBytes, TPair>(), $"rows have more than {BlockKernel.MostBlocks} blocks");
        }

        if (tokens >= RowTiling<T, TRows>.LeastTokens) return new(nameof(RowTile<,,,>), Rows<TRows>(), kernels.Assembled ? NoCode : kernels.Reason);
        return new(nameof(BlockProduct<,,>), Bytes<TBytes, TPair>(), kernels.Assembled ? NoCode : kernels.Reason);
    }

    /// <summary>The product with weights of a block format and float activations.</summary>
    internal static KernelChoice OfDecodedBlocks<T>() where T : unmanaged, ILanes<T> =>
        new(nameof(DecodedBlockProduct<,>), Floats<T>(), "exact: activations keep their 32 bits");

    /// <summary>What sixteen floats of a path are held and multiplied with.</summary>
    internal static string Floats<T>() where T : unmanaged, ILanes<T>
    {
        if (typeof(T) == typeof(Lanes512)) return InstructionSets.Has(Avx512) ? Avx512 : Emulated;
        if (typeof(T) == typeof(Lanes256)) return InstructionSets.Has("AVX2") ? "AVX2, FMA" : Emulated;
        if (typeof(T) == typeof(Lanes128)) return InstructionSets.IsArm ? "AdvSimd" : InstructionSets.Has("FMA") ? "SSE2, FMA" : "SSE2";
        return "none";
    }

    private static string Rows<TRows>()
    {
        if (typeof(TRows) == typeof(RowLanes512)) return InstructionSets.Has("AVX-512BW") ? "AVX-512BW" : Emulated;
        if (typeof(TRows) == typeof(RowLanes256)) return Bytes<ByteLanes256, BytePair<ByteLanes256>>();
        return typeof(TRows) == typeof(RowLanes128) ? Bytes<ByteLanes128, BytePair<ByteLanes128>>() : Bytes<ByteLanesGeneric, BytePair<ByteLanesGeneric>>();
    }

    private static string Bytes<TBytes, TPair>()
    {
        if (typeof(TPair) == typeof(BytePair512)) return "AVX-512BW";
        if (typeof(TBytes) == typeof(ByteLanes256)) return InstructionSets.Has("AVX-VNNI") ? "AVX-VNNI" : InstructionSets.Has("AVX2") ? "AVX2" : Emulated;
        if (typeof(TBytes) == typeof(ByteLanes128)) return InstructionSets.Has("Dp") ? "Dp" : InstructionSets.IsArm ? "AdvSimd" : InstructionSets.Has("SSSE3") ? "SSSE3" : "SSE2";
        return "none";
    }
}
