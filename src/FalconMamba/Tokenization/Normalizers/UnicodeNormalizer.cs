using System.Collections;
using System.Runtime.InteropServices;
using System.Text;
using FalconMamba.Tokenization.Unicode;

namespace FalconMamba.Tokenization.Normalizers;

/// <summary>NFC, NFD, NFKC or NFKD (Unicode Standard Annex 15).</summary>
internal sealed class UnicodeNormalizer(NormalizationForm form) : Normalizer
{
    // One character on its way: Added counts what the reference library calls changes, 1 for a character that the
    // original lacks, -n for one that n characters after it went into, 0 for one that stands in an old one's place.
    private readonly record struct Item(int CodePoint, byte Class, int Added);

    private readonly bool _compatibility = form is NormalizationForm.FormKC or NormalizationForm.FormKD;
    private readonly bool _composes = form is NormalizationForm.FormC or NormalizationForm.FormKC;
    private readonly BitArray _unstable = NormalizationTables.FindUnstable(
        form is NormalizationForm.FormKC or NormalizationForm.FormKD, form is NormalizationForm.FormC or NormalizationForm.FormKC);

    /// <inheritdoc/>
    public override void Apply(PieceBuffer buffer)
    {
        if (IsStable(buffer.Text)) return;

        var items = Decompose(buffer.Text);
        if (_composes) Compose(items);
        Write(buffer, items);
    }

    private bool IsStable(ReadOnlySpan<char> text)
    {
        foreach (var rune in text.EnumerateRunes())
            if (_unstable[rune.Value]) return false;
        return true;
    }

    private List<Item> Decompose(ReadOnlySpan<char> text)
    {
        var items = new List<Item>(text.Length);
        var lastStarter = 0;
        for (var i = 0; i < text.Length;)
        {
            Rune.DecodeFromUtf16(text[i..], out var rune, out var width);
            i += width;
            var first = items.Count;
            if (!_unstable[rune.Value] && (i == text.Length || !_unstable[RuneAt(text, i).Value]))
            {
                Append(rune.Value);
            }
            else if (NormalizationTables.TryDecomposeHangul(rune.Value, out var jamo))
            {
                Append(jamo.Leading);
                Append(jamo.Vowel);
                if (jamo.Trailing != 0) Append(jamo.Trailing);
            }
            else if (NormalizationTables.TryDecompose(rune.Value, _compatibility, out var decomposition))
            {
                foreach (var codePoint in decomposition) Append(codePoint);
            }
            else
            {
                Append(rune.Value);
            }

            void Append(int codePoint)
            {
                var combiningClass = _unstable[codePoint] ? NormalizationTables.CombiningClass(codePoint) : (byte)0;
                if (combiningClass == 0)
                {
                    SortMarks(items, lastStarter);
                    lastStarter = items.Count;
                }

                items.Add(new Item(codePoint, combiningClass, items.Count == first ? 0 : 1));
            }
        }

        SortMarks(items, lastStarter);
        return items;
    }

    private static Rune RuneAt(ReadOnlySpan<char> text, int index)
    {
        Rune.DecodeFromUtf16(text[index..], out var rune, out _);
        return rune;
    }

    // Canonical order: marks after a starter go by class, equals keep their order.
    private static void SortMarks(List<Item> items, int from)
    {
        if (items.Count - from < 2) return;
        var marks = CollectionsMarshal.AsSpan(items)[from..];
        var sorted = true;
        for (var i = 1; i < marks.Length && sorted; i++) sorted = marks[i - 1].Class <= marks[i].Class;
        if (sorted) return;

        var keys = new long[marks.Length];
        for (var i = 0; i < keys.Length; i++) keys[i] = ((long)marks[i].Class << 32) | (uint)i;
        keys.AsSpan().Sort(marks);
    }

    private void Compose(List<Item> items)
    {
        var starter = -1;
        var lastClass = -1;
        var count = 0;
        for (var i = 0; i < items.Count; i++)
        {
            // Composed in place, for no more comes out than goes in. A mark is blocked from the starter
            // by one of its class or higher between them.
            var item = items[i];
            if (starter >= 0 && lastClass < item.Class && _unstable[item.CodePoint]
                && NormalizationTables.TryCompose(items[starter].CodePoint, item.CodePoint, out var composite))
            {
                items[starter] = new Item(composite, 0, items[starter].Added + item.Added - 1);
                continue;
            }

            lastClass = item.Class == 0 ? -1 : item.Class;
            if (item.Class == 0) starter = count;
            items[count++] = item;
        }

        items.RemoveRange(count, items.Count - count);
    }

    private static void Write(PieceBuffer buffer, List<Item> items)
    {
        var text = buffer.Text;
        buffer.BeginRewrite(checked(2 * items.Count), out var normalized, out var sources);
        var length = 0;
        var next = 0;           // the first old char that no item has taken
        var previous = 0;       // the last one taken
        foreach (var item in items)
        {
            var source = previous;
            if (item.Added <= 0)
            {
                source = next;
                for (var taken = 0; taken <= -item.Added && next < text.Length; taken++)
                {
                    previous = next;
                    next += char.IsHighSurrogate(text[next]) ? 2 : 1;
                }
            }

            var written = new Rune(item.CodePoint).EncodeToUtf16(normalized[length..]);
            if (buffer.IsTracking) sources.Slice(length, written).Fill(Math.Min(source, text.Length - 1));
            length += written;
        }

        buffer.CommitText(length);
        buffer.Add(0, length);
        buffer.CommitPieces();
    }
}
