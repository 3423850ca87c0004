using System.Collections.Immutable;
using FalconMamba.Generation.Speculation;

namespace FalconMamba.Generation;

/// <summary>One sequence while it is generated: chooses its tokens, keeps its history and knows when it ends.</summary>
internal sealed class SequenceTrack
{
    private readonly GenerationOptions _options;
    private readonly Sampler _sampler;
    private readonly ImmutableArray<int> _endIds;
    private readonly int _room;
    private readonly int _sequence;
    private readonly AnswerPieces? _text;
    private readonly float[] _raw = [], _scores = [];
    private int _count;

    /// <param name="options">How tokens are chosen.</param>
    /// <param name="sampler">Chooses them; sequences may share it.</param>
    /// <param name="endIds">What ends the text.</param>
    /// <param name="history">The tokens so far, the prompt included.</param>
    /// <param name="room">How many tokens may come.</param>
    /// <param name="vocabulary">How many tokens there are.</param>
    /// <param name="sequence">Which of several from one prompt.</param>
    /// <param name="text">Makes its text and finds its stop strings; null where ids are enough.</param>
    public SequenceTrack(
        GenerationOptions options, Sampler sampler, ImmutableArray<int> endIds, TokenHistory history, int room, int vocabulary, int sequence = 0, AnswerPieces? text = null)
    {
        (_options, _sampler, _endIds, History, _room, _sequence, _text) = (options, sampler, endIds, history, room, sequence, text);
        if (options.WantsDetails) _raw = new float[vocabulary];
        if (options.OutputScores) _scores = new float[vocabulary];
    }

    /// <summary>The tokens so far.</summary>
    public TokenHistory History { get; }

    /// <summary>What the options ask to be kept of the last token; null if it is nothing.</summary>
    public TokenDetails? Details { get; private set; }

    /// <summary>The text that the last token made certain, and all the rest once the sequence has ended.</summary>
    public string Piece { get; private set; } = "";

    /// <summary>Why it ended; none while it goes on.</summary>
    public FinishReason FinishReason { get; private set; }

    /// <summary>How many tokens may still come.</summary>
    public int Room => _room - _count;

    /// <summary>Chooses the next token and adds it to the history.</summary>
    /// <param name="logits">[V]; changed in place.</param>
    /// <param name="position">The token's position in the sequence.</param>
    /// <param name="guess">What was guessed of it.</param>
    public int Choose(Span<float> logits, long position, DraftedToken guess = default)
    {
        logits[.._raw.Length].CopyTo(_raw);
        var id = _sampler.Choose(logits, position, History, _sequence, _scores, guess);
        if (_options.WantsDetails) Details = TokenDetails.Of(_options, id, _raw, _scores);
        History.Append(id);
        _count++;
        if (_endIds.Contains(id)) FinishReason = FinishReason.StopId;
        else if (_count == _room) FinishReason = FinishReason.Length;
        if (_text is not null) Piece = PieceOf(id, _text);
        return id;
    }

    private string PieceOf(int id, AnswerPieces text)
    {
        // A stop id may be an ordinary token: it ends the text and is no part of it.
        var piece = FinishReason == FinishReason.StopId ? "" : text.Append(id);
        if (text.StopString is not null) FinishReason = FinishReason.StopString;
        return FinishReason == FinishReason.None ? piece : piece + text.Finish();
    }
}
