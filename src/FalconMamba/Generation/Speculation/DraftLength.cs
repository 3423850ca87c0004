namespace FalconMamba.Generation.Speculation;

/// <summary>
/// How far to guess ahead: further where all comes true, less far where not all does, and where a verification does not pay not
/// at all for a while, which doubles each time. So a text that cannot be guessed costs a verification in vain every 64 tokens. It
/// looks at nothing but what was accepted, so that the same draws give the same text on any machine.
/// </summary>
internal sealed class DraftLength
{
    // Measured at 7B in Q4_K: the first guess costs most of a step, four cost one and a half.
    private const int GuessesForAStep = 4;

    private const int Growth = 2, MostDoublings = 6;

    private readonly int _most;
    private int _length, _misses, _rest;

    /// <param name="most">The greatest length, with which it begins.</param>
    public DraftLength(int most) => _most = _length = most;

    /// <summary>How many tokens to guess now; asked once before every forward pass.</summary>
    public int Next()
    {
        if (_rest == 0) return _length;
        _rest--;
        return 0;
    }

    /// <summary>Told what came of a guess.</summary>
    /// <param name="proposed">How many tokens were proposed.</param>
    /// <param name="accepted">How many of them came true.</param>
    public void Report(int proposed, int accepted)
    {
        if (accepted < 1 + (proposed / GuessesForAStep))
        {
            _misses = Math.Min(_misses + 1, MostDoublings);
            _rest = (1 << _misses) - 1;
            _length = Math.Max(1, _length / 2);
            return;
        }

        _misses = 0;
        _length = accepted == proposed ? Math.Min(_most, _length + Growth) : Math.Max(1, _length - 1);
    }
}
