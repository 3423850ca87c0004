namespace FalconMamba.Generation.Speculation;

/// <summary>Proposed tokens, and the distributions that they were drawn from.</summary>
/// <param name="most">How many there may be.</param>
/// <param name="vocabulary">How many tokens there are.</param>
internal sealed class Proposal(int most, int vocabulary)
{
    private readonly int[] _ids = new int[most];
    private readonly bool[] _isDrawn = new bool[most];
    private double[] _chances = [];

    /// <summary>How many are proposed.</summary>
    public int Count { get; private set; }

    /// <summary>The proposed tokens.</summary>
    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>Takes all back.</summary>
    public void Clear() => Count = 0;

    /// <summary>Proposes a token that was chosen without a draw.</summary>
    public void Add(int id)
    {
        _isDrawn[Count] = false;
        _ids[Count++] = id;
    }

    /// <summary>Proposes a token that was drawn, from the distribution that <see cref="NextChances"/> has taken.</summary>
    public void AddDrawn(int id)
    {
        _isDrawn[Count] = true;
        _ids[Count++] = id;
    }

    /// <summary>Room for the distribution of the next token that is drawn [V].</summary>
    public Span<double> NextChances()
    {
        if (_chances.Length == 0) _chances = new double[checked(most * vocabulary)];
        return _chances.AsSpan(Count * vocabulary, vocabulary);
    }

    /// <summary>The distribution that a proposed token was drawn from [V]; empty where it was chosen without a draw.</summary>
    public ReadOnlySpan<double> ChancesOf(int place) => _isDrawn[place] ? _chances.AsSpan(place * vocabulary, vocabulary) : [];
}
