using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FalconMamba.Kernels;

/// <summary>
/// The activations of many tokens as tiles read them: for each 256 columns, a record a token. Rows of activations lie as far
/// apart as whole powers of two, which caches cannot keep side by side.
/// </summary>
/// <remarks>
/// A record: 256 codes; eight numbers A; eight numbers B. Blocks of 256: A are the groups' factors, B the sums of their halves,
/// a pair of words; behind all records lie the scales [columns / 256, tokens]. Blocks of 32: A is minus the sum of the codes times what the
/// weights' codes are too high by, or minus the sum as a float where weights have a minimum; B is the scale.
/// </remarks>
internal unsafe struct TileActivations : IBlockJob
{
    /// <summary>The bytes of a record, and where A and B begin.</summary>
    public const int RecordBytes = 320, A = 256, B = 288;

    private const int Columns = WeightPanel.Columns, Group = ActivationQuantizer.Group, Groups = Columns / Group;

    private QuantizedRows _rows;
    private int _tokens, _offset;
    private bool _hasMinimum;
    private byte* _records;

    /// <summary>How many records a token has.</summary>
    public static int Records(int columns) => (columns + Columns - 1) / Columns;

    /// <summary>The bytes that a token takes, its scales included.</summary>
    public static int ByteLength(int columns) => Records(columns) * (RecordBytes + sizeof(float));

    /// <summary>Lays out all tokens.</summary>
    /// <param name="rows">The activations.</param>
    /// <param name="tokens">How many tokens.</param>
    /// <param name="offset">What the weights' codes are too high by.</param>
    /// <param name="hasMinimum">Whether weights have a minimum.</param>
    /// <param name="records">Room for <see cref="ByteLength"/> bytes a token.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    public static void Arrange(in QuantizedRows rows, int tokens, int offset, bool hasMinimum, byte* records, ComputePool pool, int threads)
    {
        var job = new TileActivations { _rows = rows, _tokens = tokens, _offset = offset, _hasMinimum = hasMinimum, _records = records };
        pool.Run(ref job, Records(rows.Columns), ComputePool.ThreadsFor((long)tokens * rows.Columns, threads));
    }

    /// <summary>Lays out 256 columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int block)
    {
        var record = _records + ((nint)block * _tokens * RecordBytes);
        var scales = (float*)(_records + ((nint)Records(_rows.Columns) * _tokens * RecordBytes)) + ((nint)block * _tokens);
        var groups = Math.Min(Groups, (_rows.Columns / Group) - (block * Groups));
        for (var token = 0; token < _tokens; token++, record += RecordBytes)
        {
            var row = _rows.From(token);
            var codes = row.Codes + (block * Columns);
            for (var i = 0; i < groups * Group; i += Group) Vector256.Load(codes + i).Store(record + i);
            if (row.Block == Group)
            {
                FillShort(row, block * Groups, groups, record);
                continue;
            }

            scales[token] = row.Scales[block];
            for (var g = 0; g < Groups; g++) ((int*)(record + A))[g] = row.Factors[(block * Groups) + g];
            // First halves, then last ones: a pair each.
            var first = Vector128.Load(row.Sums + (block * 2 * Groups)).AsUInt16();
            var last = Vector128.Load(row.Sums + (block * 2 * Groups) + Groups).AsUInt16();
            (Vector128.WidenLower(first) | (Vector128.WidenLower(last) << 16)).Store((uint*)(record + B));
            (Vector128.WidenUpper(first) | (Vector128.WidenUpper(last) << 16)).Store((uint*)(record + B) + 4);
        }
    }

    private readonly void FillShort(in QuantizedRows row, int firstGroup, int groups, byte* record)
    {
        for (var g = 0; g < groups; g++)
        {
            var sums = row.Sums + (2 * (firstGroup + g));
            var sum = sums[0] + sums[1];
            if (_hasMinimum) ((float*)(record + A))[g] = -sum;
            else ((int*)(record + A))[g] = -_offset * sum;
            ((float*)(record + B))[g] = row.Scales[firstGroup + g];
        }
    }
}
