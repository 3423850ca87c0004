using System.Runtime.CompilerServices;
using FalconMamba.Kernels.Assembled;

namespace FalconMamba.Kernels;

/// <summary>
/// How rows lie for a tile: the lines of a few rows side by side, so that a tile reads one stream of each operand, and the
/// lines in stretches that stay in the first-level cache. The columns that fill no line come first, zeros behind them.
/// </summary>
internal readonly unsafe struct PackedLines
{
    /// <summary>Bytes of a line: a register.</summary>
    public const int LineBytes = 64;

    private const int MostRows = 8, MostSourceBytes = 2 * LineBytes;

    private readonly LineConversion _conversion;
    private readonly int _sourceBytes, _rowBytes, _longest;

    /// <summary>Describes rows.</summary>
    /// <param name="conversion">What happens to their numbers.</param>
    /// <param name="rowBytes">The bytes of a row, at least one.</param>
    /// <param name="mostLines">The lines of a stretch at most.</param>
    public PackedLines(LineConversion conversion, int rowBytes, int mostLines)
    {
        _conversion = conversion;
        _sourceBytes = LineKernel.SourceBytes(conversion);
        _rowBytes = rowBytes;
        Lines = ((rowBytes - 1) / _sourceBytes) + 1;
        Stretches = ((Lines - 1) / mostLines) + 1;
        _longest = ((Lines - 1) / Stretches) + 1;
    }

    /// <summary>Lines of a row.</summary>
    public int Lines { get; }

    /// <summary>How many stretches they are cut into.</summary>
    public int Stretches { get; }

    /// <summary>The first line of a row in a stretch.</summary>
    public int FirstOf(int stretch) => stretch * _longest;

    /// <summary>The lines of a row in a stretch.</summary>
    public int LinesOf(int stretch) => Math.Min(_longest, Lines - FirstOf(stretch));

    /// <summary>Where rows begin in a stretch, in bytes.</summary>
    /// <param name="stretch">The stretch.</param>
    /// <param name="before">The rows that lie before them.</param>
    /// <param name="all">All rows.</param>
    public nint Place(int stretch, int before, int all) =>
        (((nint)FirstOf(stretch) * all) + ((nint)before * LinesOf(stretch))) * LineBytes;

    /// <summary>Packs rows, a line of each beside those of the others.</summary>
    /// <param name="source">The first row; the others follow it.</param>
    /// <param name="stride">Bytes from a row to the next.</param>
    /// <param name="rows">How many rows, at most eight.</param>
    /// <param name="width">How many have room side by side.</param>
    /// <param name="destination">All rows' lines.</param>
    /// <param name="before">The rows that lie before these.</param>
    /// <param name="all">All rows.</param>
    [SkipLocalsInit]
    public void Pack(byte* source, nint stride, int rows, int width, byte* destination, int before, int all)
    {
        var kernel = LineKernel.Find(_conversion, rows);
        var tail = _rowBytes % _sourceBytes;
        var padded = stackalloc byte[MostRows * MostSourceBytes];
        for (var stretch = 0; stretch < Stretches; stretch++)
        {
            var arguments = new LineKernelArguments
            {
                Source = source,
                Stride = stride,
                Destination = destination + Place(stretch, before, all),
                Distance = width * LineBytes,
                Lines = LinesOf(stretch),
            };
            if (stretch == 0 && tail > 0)
            {
                new Span<byte>(padded, MostRows * MostSourceBytes).Clear();
                for (var row = 0; row < rows; row++)
                    new ReadOnlySpan<byte>(source + (row * stride) + (_rowBytes - tail), tail).CopyTo(new Span<byte>(padded + (row * MostSourceBytes), tail));
                var first = arguments with { Source = padded, Stride = MostSourceBytes, Lines = 1 };
                kernel(&first);
                arguments.Destination += arguments.Distance;
                arguments.Lines--;
            }

            if (arguments.Lines > 0) kernel(&arguments);
            source += arguments.Lines * _sourceBytes;
        }
    }

    /// <summary>Packs the inputs of a product.</summary>
    /// <param name="product">The product.</param>
    /// <param name="width">The tokens of a tile.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    /// <returns>Where they lie, as many side by side as there are in a tile: the calling thread's <see cref="ThreadMemory.OfInputs"/>.</returns>
    public byte* PackInputs(in MatrixProductArguments product, int width, ComputePool pool, int threads)
    {
        var job = new InputPacking
        {
            Lines = this,
            Product = product,
            Width = width,
            Destination = ThreadMemory.OfInputs((long)product.Tokens * Lines * LineBytes),
        };
        pool.Run(ref job, (product.Tokens + width - 1) / width, ComputePool.ThreadsFor((long)product.Tokens * product.Columns, threads));
        return job.Destination;
    }

    private struct InputPacking : IBlockJob
    {
        public PackedLines Lines;
        public MatrixProductArguments Product;
        public byte* Destination;
        public int Width;

        public readonly void Run(int block)
        {
            var token = block * Width;
            var tokens = Math.Min(Width, Product.Tokens - token);
            var stride = Product.InputStride * (nint)sizeof(float);
            Lines.Pack((byte*)Product.Input + (token * stride), stride, tokens, tokens, Destination, token, Product.Tokens);
        }
    }
}
