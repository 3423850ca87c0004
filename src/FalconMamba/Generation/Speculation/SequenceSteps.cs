using FalconMamba.Model;

namespace FalconMamba.Generation.Speculation;

/// <summary>
/// The rows of logits that a sequence goes on by. Without a draft each is a forward pass of one token; with one the guessed tokens
/// are read along in the same pass, a row for each, and as long as the tokens that are chosen are those that were guessed, the
/// next row is there already. Then the state goes back to the last token that came true, without the model.
/// </summary>
/// <remarks>
/// While rows are left the state is ahead of the sequence. <see cref="Dispose"/> puts it where the sequence is, and so it is after
/// whatever was cancelled.
/// </remarks>
internal sealed class SequenceSteps : IDisposable
{
    private readonly IModelRunner _model;
    private readonly RecurrentState _state;
    private readonly IDraft? _draft;
    private readonly DraftLength _length;
    private readonly Proposal _proposal;
    private readonly float[] _logits;
    private readonly int[] _tokens;
    private readonly int _vocabulary;

    // How many tokens are read at the first row, and which row comes next.
    private long _start;
    private int _row;
    private SpeculationCounts _counts;

    /// <param name="model">The model.</param>
    /// <param name="options">How far to guess.</param>
    /// <param name="draft">Guesses, and stays the caller's to dispose; null for nothing.</param>
    /// <param name="state">The state behind the prompt.</param>
    /// <param name="logits">Room for as many rows as <see cref="Rows"/> says; the first holds the logits behind the prompt.</param>
    public SequenceSteps(IModelRunner model, GenerationOptions options, IDraft? draft, RecurrentState state, float[] logits)
    {
        var most = options.DraftTokens;
        (_model, _draft, _state, _logits, _vocabulary, _start) = (model, draft, state, logits, model.Config.VocabSize, state.TokenCount);
        _proposal = new Proposal(most, _vocabulary);
        _tokens = new int[Rows(options)];
        _length = new DraftLength(most);
    }

    /// <summary>The logits of the next token [V].</summary>
    public Span<float> Logits => _logits.AsSpan(_row * _vocabulary, _vocabulary);

    /// <summary>The next token's position in the sequence.</summary>
    public long Position => _start + _row;

    /// <summary>What is guessed of the next token.</summary>
    public DraftedToken Guess => _row < _proposal.Count ? new DraftedToken(_proposal.Ids[_row], _proposal.ChancesOf(_row)) : default;

    /// <summary>The rows of logits that there may be at once.</summary>
    public static int Rows(GenerationOptions options) => options.DraftTokens + 1;

    /// <summary>How many tokens were guessed so far, and how many of them came true.</summary>
    /// <param name="id">The token that was chosen by the present row: it counts, for it may be the last.</param>
    public SpeculationCounts CountWith(int id) => IsGuessed(id) ? _counts with { Accepted = _counts.Accepted + 1 } : _counts;

    /// <summary>Goes on by a token that was chosen by the present row.</summary>
    /// <param name="id">The token.</param>
    /// <param name="history">The tokens so far, this one included.</param>
    /// <param name="room">How many more may come.</param>
    /// <param name="cancellationToken">Looked at first, and before a forward pass.</param>
    public void Advance(int id, TokenHistory history, int room, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (IsGuessed(id))
        {
            _counts = CountWith(id);
            _row++;
            return;
        }

        Settle();
        if (_proposal.Count > 0) _length.Report(_proposal.Count, _row);
        _proposal.Clear();
        (_start, _row) = (_state.TokenCount, 0);
        // The last token is chosen by the row of the one before.
        if (_draft is not null && Math.Min(_length.Next(), room - 1) is > 0 and var most) _draft.Propose(history, _start + 1, _proposal, most, cancellationToken);
        _tokens[0] = id;
        _proposal.Ids.CopyTo(_tokens.AsSpan(1));
        var isGuess = _proposal.Count > 0;
        var chunk = new Chunk(_state, _tokens.AsMemory(0, 1 + _proposal.Count)) { Logits = isGuess ? RowSelection.All : RowSelection.Last, KeepScanInputs = isGuess };
        _model.Forward([chunk], _logits, cancellationToken: cancellationToken);
        _start++;
        _counts = _counts with { Drafted = _counts.Drafted + _proposal.Count };
    }

    public void Dispose()
    {
        Settle();
        if (_draft is not null) _state.ReleaseScanInputs();
    }

    private bool IsGuessed(int id) => _row < _proposal.Count && _proposal.Ids[_row] == id;

    private void Settle()
    {
        if (_state.TokenCount != Position) _model.RollBack(_state, Position);
    }
}
