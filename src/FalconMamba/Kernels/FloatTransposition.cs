namespace FalconMamba.Kernels;

/// <summary>Copies rows of a matrix, or of its transpose, in squares that stay in the first-level cache.</summary>
internal unsafe struct FloatTransposition : IBlockJob
{
    private const int Square = 16;

    private float* _source, _destination;
    private int _sourceStride, _destinationStride, _rows, _width;
    private bool _transpose;

    /// <summary>Copies.</summary>
    /// <param name="source">The matrix.</param>
    /// <param name="transpose">Whether rows are the matrix's columns.</param>
    /// <param name="first">The first row.</param>
    /// <param name="rows">How many.</param>
    /// <param name="destination">Where they go; what lies between two rows is left alone.</param>
    /// <param name="stride">From a row to the next.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    public static void Run(FloatMatrix source, bool transpose, int first, int rows, NativeBuffer destination, int stride, ComputePool pool, int threads)
    {
        var width = transpose ? source.Count : source.Width;
        var job = new FloatTransposition
        {
            _source = source.Data.Pointer(source.Count, source.Width) + (transpose ? first : (nint)first * source.Data.Stride),
            _destination = new Rows(destination, stride).Pointer(rows, width),
            _sourceStride = source.Data.Stride,
            _destinationStride = stride,
            _rows = rows,
            _width = width,
            _transpose = transpose,
        };
        pool.Run(ref job, (rows + Square - 1) / Square, ComputePool.ThreadsFor((long)rows * width, threads));
    }

    public readonly void Run(int block)
    {
        var end = Math.Min(_rows, (block + 1) * Square);
        if (!_transpose)
        {
            for (var row = block * Square; row < end; row++)
                new ReadOnlySpan<float>(_source + ((nint)row * _sourceStride), _width).CopyTo(new Span<float>(_destination + ((nint)row * _destinationStride), _width));
            return;
        }

        for (var column = 0; column < _width; column += Square)
        {
            var last = Math.Min(_width, column + Square);
            for (var row = block * Square; row < end; row++)
                for (var k = column; k < last; k++)
                    _destination[((nint)row * _destinationStride) + k] = _source[((nint)k * _sourceStride) + row];
        }
    }
}
