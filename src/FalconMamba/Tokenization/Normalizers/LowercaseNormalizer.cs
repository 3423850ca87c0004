using System.Text;

namespace FalconMamba.Tokenization.Normalizers;

/// <summary>Lower case, character by character and without regard to language.</summary>
internal sealed class LowercaseNormalizer : Normalizer
{
    private const int DottedCapitalI = 0x130;

    /// <inheritdoc/>
    public override void Apply(PieceBuffer buffer)
    {
        // Only U+0130 changes its length: it becomes i and U+0307. Simple mappings stay inside or outside the BMP.
        var text = buffer.Text;
        buffer.BeginRewrite(checked(2 * text.Length), out var lower, out var sources);
        var length = 0;
        for (var i = 0; i < text.Length;)
        {
            Rune.DecodeFromUtf16(text[i..], out var rune, out var width);
            var written = rune.Value == DottedCapitalI
                ? WriteDottedI(lower[length..])
                : Rune.ToLowerInvariant(rune).EncodeToUtf16(lower[length..]);
            if (buffer.IsTracking) sources.Slice(length, written).Fill(i);
            length += written;
            i += width;
        }

        buffer.CommitText(length);
        buffer.Add(0, length);
        buffer.CommitPieces();
    }

    private static int WriteDottedI(Span<char> destination)
    {
        "i\u0307".CopyTo(destination);
        return 2;
    }
}
