using System.Runtime.Intrinsics;
using FalconMamba.Formats;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// One token's activations as a <see cref="BlockKernel"/> reads them: one stream, in which what belongs to eight blocks lies
/// together, however many a row has. So they are repeated until a row ends where eight blocks do.
/// </summary>
/// <remarks>
/// Blocks of 32: eight times their codes, then their sums. Blocks of 256, four at a time: codes; factors, as words; the sums of
/// the groups' first halves; those of their last halves.
/// </remarks>
internal static unsafe class ArrangedActivations
{
    /// <summary>How many blocks a kernel takes at once.</summary>
    public const int Batch = 8;

    private const int Group = ActivationQuantizer.Group, Quarter = 4 * Group, Lanes = 8;

    /// <summary>The bytes of what belongs to eight blocks.</summary>
    public static int BatchBytes(int blockLength) => blockLength == Group
        ? Batch * (Group + (2 * sizeof(short)))
        : Batch * (blockLength + (3 * Lanes * sizeof(short)));

    /// <summary>After how many batches the activations of rows of so many blocks begin anew.</summary>
    public static int Batches(int blocks) => blocks / Math.Clamp(blocks & -blocks, 1, Batch);

    /// <summary>The bytes that a token of up to a width takes, whatever the format: at most a batch a block.</summary>
    public static int MostBytes(int columns) =>
        checked((columns + Group - 1) / Group * (BatchBytes(ActivationQuantizer.Stretch) * Group / ActivationQuantizer.Stretch));

    /// <summary>Lays out one token.</summary>
    /// <param name="type">The format of the weights.</param>
    /// <param name="x">The token.</param>
    /// <param name="destination">Room for <see cref="Batches"/> times <see cref="BatchBytes"/> bytes.</param>
    public static void Arrange(TensorType type, in QuantizedRows x, byte* destination)
    {
        var blocks = x.Columns / x.Block;
        var all = Batches(blocks) * Batch;
        if (x.Block == Group) ArrangeShortBlocks(in x, blocks, all, destination);
        else ArrangeLongBlocks(in x, blocks, all, destination, type != TensorType.Q6_K);
    }

    private static void ArrangeShortBlocks(in QuantizedRows x, int blocks, int all, byte* destination)
    {
        for (var block = 0; block < all; block++)
        {
            var batch = destination + (block / Batch * BatchBytes(Group));
            Vector256.Load(x.Codes + (block % blocks * Group)).Store(batch + (block % Batch * Group));
            ((int*)(batch + (Batch * Group)))[block % Batch] = ((int*)x.Sums)[block % blocks];
        }
    }

    private static void ArrangeLongBlocks(in QuantizedRows x, int blocks, int all, byte* destination, bool hasNibbles)
    {
        const int half = Batch / 2;
        for (int block = 0, source = 0; block < all; block++, source = source + 1 == blocks ? 0 : source + 1)
        {
            var four = destination + (block / half * (BatchBytes(x.Block) / 2));
            var codes = x.Codes + (source * x.Block);
            var to = four + (block % half * x.Block);
            for (var i = 0; i < x.Block; i += Quarter)
            {
                // The low halves of 64 bytes are groups 0 and 2, the high ones 1 and 3.
                Vector256.Load(codes + i).Store(to + i);
                Vector256.Load(codes + i + Group).Store(to + i + (hasNibbles ? 2 * Group : Group));
                Vector256.Load(codes + i + (2 * Group)).Store(to + i + (hasNibbles ? Group : 2 * Group));
                Vector256.Load(codes + i + (3 * Group)).Store(to + i + (3 * Group));
            }

            var words = (short*)(four + (half * x.Block)) + (block % half * Lanes);
            var sums = x.Sums + (source * 2 * Lanes);
            Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)(x.Factors + (source * Lanes))).AsByte()).AsInt16().Store(words);
            Vector128.Load(sums).Store(words + (half * Lanes));
            Vector128.Load(sums + Lanes).Store(words + (2 * half * Lanes));
        }
    }
}
