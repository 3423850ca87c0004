using System.Collections.Immutable;

namespace FalconMamba.Generation.Processors;

/// <summary>
/// DRY ("don't repeat yourself"): holds back the tokens that would go on with a repetition of the text's end, the more the
/// longer it is already: multiplier · base^(length − allowed). After p-e-w's sampler as it is in llama.cpp.
/// </summary>
/// <remarks>
/// How far the text's end is repeated at each place is the Z function of the reversed text (Gusfield 1997), in linear time.
/// </remarks>
internal sealed class DryProcessor : ILogitsProcessor
{
    // The exponent at which a float's range ends.
    private const double LargestExponent = 88.7228391;

    [ThreadStatic]
    private static int[]? _lengths;

    private readonly double _multiplier;
    private readonly double _base;
    private readonly int _allowed;
    private readonly int _lastN;
    private readonly int[] _breakers;

    /// <param name="multiplier">What the shortest repetition costs that costs anything.</param>
    /// <param name="growth">The factor a further token of it costs.</param>
    /// <param name="allowed">The longest repetition that costs nothing.</param>
    /// <param name="lastN">How many of the last tokens are searched; −1 for all.</param>
    /// <param name="breakers">Tokens that no repetition reaches across.</param>
    public DryProcessor(double multiplier, double growth, int allowed, int lastN, ImmutableArray<int> breakers)
    {
        (_multiplier, _base, _allowed, _lastN) = (multiplier, growth, allowed, lastN);
        _breakers = [.. breakers.Distinct().Order()];
    }

    public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
    {
        var text = _lastN < 0 ? ids : ids[Math.Max(0, ids.Length - _lastN)..];
        var longest = SinceBreaker(text);
        if (text.Length <= _allowed || longest < _allowed) return;

        // The longest repetition that each token would go on with.
        var lengths = Repetitions(text);
        var worst = TokenCounts.Rent(logits.Length);
        for (var back = 1; back < text.Length; back++)
        {
            var length = Math.Min(lengths[back], longest);
            ref var known = ref worst[text[^back]];
            if (length >= _allowed && length > known) known = length;
        }

        foreach (var id in text)
        {
            if (worst[id] == 0) continue;
            if (!IsBreaker(id)) logits[id] -= (float)(_multiplier * Math.Pow(_base, Exponent(worst[id] - _allowed)));
            worst[id] = 0;
        }
    }

    private double Exponent(int exponent) => _base > 1.000001 ? Math.Min(exponent, Math.Floor(LargestExponent / Math.Log(_base))) : exponent;

    private bool IsBreaker(int id) => Array.BinarySearch(_breakers, id) >= 0;

    private int SinceBreaker(ReadOnlySpan<int> text)
    {
        for (var back = 0; back < text.Length; back++)
            if (IsBreaker(text[^(back + 1)])) return back;
        return text.Length;
    }

    // By how many tokens back a place is: how many tokens before and at it equal the text's last ones.
    private static ReadOnlySpan<int> Repetitions(ReadOnlySpan<int> text)
    {
        if (_lengths is null || _lengths.Length < text.Length) _lengths = new int[Math.Max(text.Length, 2 * (_lengths?.Length ?? 256))];
        var lengths = _lengths.AsSpan(0, text.Length);
        int left = 0, right = 0;
        for (var back = 1; back < text.Length; back++)
        {
            var length = back < right ? Math.Min(right - back, lengths[back - left]) : 0;
            while (back + length < text.Length && text[^(length + 1)] == text[^(back + length + 1)]) length++;
            lengths[back] = length;
            if (back + length > right) (left, right) = (back, back + length);
        }

        return lengths;
    }
}
