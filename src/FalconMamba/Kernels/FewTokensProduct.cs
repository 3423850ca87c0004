using System.Runtime.CompilerServices;
using FalconMamba.Kernels.Assembled;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>
/// Matrix × a few vectors over block weights and activations of eight bits, assembled: weights are unpacked eight rows at a
/// time, as they come, so that they are multiplied while the memory brings the next ones. Each output is the same chain as in
/// <see cref="BlockProduct{TBytes, TPair, TFormat}"/>.
/// </summary>
internal unsafe struct FewTokensProduct<TFormat> : IBlockJob where TFormat : unmanaged, IBlockFormat<TFormat>
{
    // What lies on the stack: a number for each row and token of a pass. Rows that a second pass reads again stay in the
    // second-level cache.
    private const int MostRows = 256, StretchBytes = 192 * 1024;

    private MatrixProductArguments _arguments;
    private Ranges _ranges;
    private byte* _activations, _lastActivations;
    private delegate* unmanaged[Cdecl]<void*, void> _kernel, _lastKernel;
    private int _tokens;
    private long _rowBytes;

    /// <summary>Runs the product, if there is a kernel for it; the input of <paramref name="arguments"/> is not read.</summary>
    /// <param name="arguments">The weights, a multiple of eight rows, and where the result goes; several tokens.</param>
    /// <param name="activations">X.</param>
    /// <param name="scratch">Room for X as kernels read it.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    /// <returns>Whether it ran.</returns>
    public static bool TryRun(in MatrixProductArguments arguments, in QuantizedRows activations, QuantizedActivations scratch, ComputePool pool, int threads)
    {
        var blocks = arguments.Columns / TFormat.Length;
        if (arguments.Tokens > FewTokensKernel.MostTogether || blocks == 0) return false;
        // One pass, or two that differ by a token at most.
        var tokens = arguments.Tokens <= FewTokensKernel.MostTokens ? arguments.Tokens : (arguments.Tokens + 1) / 2;
        var last = arguments.Tokens - tokens;
        var kernel = FewTokensKernel.Find(TFormat.Type, tokens);
        var lastKernel = last > 0 ? FewTokensKernel.Find(TFormat.Type, last) : null;
        if (kernel is null || (last > 0 && lastKernel is null)) return false;
        var layout = FewTokensActivations.Of(TFormat.Type, isOfPanels: false);
        var bytes = blocks * layout.BlockBytes(tokens);
        var job = new FewTokensProduct<TFormat>
        {
            _arguments = arguments,
            _ranges = new Ranges(arguments.Rows, (long)blocks * sizeof(TFormat), threads),
            _activations = scratch.Arranged(1, bytes + (blocks * layout.BlockBytes(last))),
            _kernel = kernel,
            _lastKernel = lastKernel,
            _tokens = tokens,
            _rowBytes = (long)blocks * sizeof(TFormat),
        };
        layout.Arrange(in activations, tokens, job._activations);
        if (last > 0)
        {
            job._lastActivations = job._activations + bytes;
            layout.Arrange(activations.From(tokens), last, job._lastActivations);
        }

        pool.Run(ref job, job._ranges.Count, threads);
        return true;
    }

    public readonly void Run(int block)
    {
        var (first, end) = _ranges[block];
        var most = _lastKernel is null ? MostRows : (int)Math.Clamp(StretchBytes / _rowBytes / FewTokensKernel.Rows * FewTokensKernel.Rows, FewTokensKernel.Rows, MostRows);
        for (var row = first; row < end; row += most)
        {
            var rows = Math.Min(most, end - row);
            Multiply(row, rows, 0, _tokens, _kernel, _activations);
            if (_lastKernel is not null) Multiply(row, rows, _tokens, _arguments.Tokens - _tokens, _lastKernel, _lastActivations);
        }
    }

    [SkipLocalsInit]
    private readonly void Multiply(int row, int rows, int token, int tokens, delegate* unmanaged[Cdecl]<void*, void> kernel, byte* activations)
    {
        const int alignment = 64;
        var sums = stackalloc float[MostRows * FewTokensKernel.MostTokens];
        var memory = stackalloc byte[FewTokensKernel.ScratchBytes + alignment];
        var arguments = new FewTokensArguments
        {
            Weights = _arguments.Weights + (row * _rowBytes),
            RowBytes = _rowBytes,
            Activations = activations,
            Output = sums,
            OutputStride = MostRows * sizeof(float),
            Scratch = (byte*)(((nuint)memory + alignment - 1) & ~(nuint)(alignment - 1)),
            Groups = rows / FewTokensKernel.Rows,
            Blocks = _arguments.Columns / TFormat.Length,
        };
        kernel(&arguments);
        for (var i = 0; i < tokens; i++) _arguments.Put(row, rows, token + i, sums + (i * MostRows));
    }
}
