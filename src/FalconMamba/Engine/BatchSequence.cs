using System.Collections.Immutable;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Engine;

/// <summary>A request on its way: first its prompt is read piece by piece, then it writes a token a step.</summary>
internal sealed class BatchSequence
{
    // More room than this is made when it is needed.
    private const int ReservedTokens = 1 << 12;

    private readonly IModelRunner _model;
    private readonly GenerationRequest _request;
    private readonly IPrefixCache? _prefixes;
    private readonly Sampler _sampler;
    private readonly ImmutableArray<int> _endIds;
    private readonly AnswerPieces? _text;
    private readonly TokenHistory _history;
    private readonly int _room;
    private readonly long _seen;
    private readonly int[] _token = new int[1];
    private RecurrentState? _state;
    private SequenceTrack? _track;
    private Task<int>? _lookup;
    private int _read, _nextKept;
    private bool _hasToken, _isCancelled;
    private Exception? _failure;

    /// <summary>Checks a request; its history is moved over the prompt.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Makes text; null for ids alone.</param>
    /// <param name="prefixes">Where states are kept; null for nowhere.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="tokens">Where the tokens go.</param>
    /// <exception cref="ArgumentException">The request cannot be honoured; the message is one sentence.</exception>
    /// <exception cref="StateMismatchException">The state belongs to another model.</exception>
    public BatchSequence(IModelRunner model, Tokenizer? tokenizer, IPrefixCache? prefixes, GenerationRequest request, GeneratedTokens tokens)
    {
        var (options, vocabulary) = (request.Options, model.Config.VocabSize);
        var seen = _seen = request.State?.TokenCount ?? 0;
        OptionRules.ThrowIfUnknownToken(options, vocabulary);
        if (options.Beams > 1 || options.NumReturnSequences > 1)
            throw new ArgumentException("num_beams or num_return_sequences asks for several sequences, a stream is one: generate them as exclusive work.", nameof(request));
        if (options.DraftTokens > 0)
            throw new ArgumentException("assistant_model or prompt_lookup_num_tokens guesses ahead for one sequence, and a batch fills its steps with others: leave it out.", nameof(request));
        if (tokenizer is null && !options.StopStrings.IsEmpty)
            throw new ArgumentException("stop_strings need the tokenizer: make the engine with one.", nameof(request));
        if (request.Prompt.IsEmpty && seen == 0) throw new ArgumentException("The prompt is empty, and there is no past to go on from.", nameof(request));
        if (request.Prompt.Span.IndexOfAnyExceptInRange(0, vocabulary - 1) is >= 0 and var place)
            throw new ArgumentException($"Token {request.Prompt.Span[place]} is not in the vocabulary of {vocabulary}.", nameof(request));
        if (request.State is { } state) StateMismatchException.ThrowIfDifferent(model.Fingerprint, state.Fingerprint);
        (_model, _request, Tokens) = (model, request, tokens);
        _endIds = TokenGenerator.EndIds(model, options);
        _sampler = new Sampler(options, _endIds);
        _room = options.NewTokens(seen + request.Prompt.Length);
        if (tokenizer is not null) _text = new AnswerPieces(tokenizer, options.StopStrings, request.SkipSpecialTokens);
        _history = TokenGenerator.WithPrompt(request.History, seen, request.Prompt.Span, _sampler.NeedsHistory, vocabulary);
        // What is kept is told by all its tokens, and is the base weights' work.
        if (request.Adapter is null && _history.Count == seen + request.Prompt.Length) _prefixes = prefixes;
    }

    /// <summary>Where the tokens go.</summary>
    public GeneratedTokens Tokens { get; }

    /// <summary>For whom it is.</summary>
    public string? OwnerName => _request.Owner;

    /// <summary>The same, with what the owner got; set while it runs.</summary>
    public Owner Owner { get; set; } = null!;

    /// <inheritdoc cref="GenerationRequest.Priority"/>
    public int Priority => _request.Priority;

    /// <summary>The state that was given; null for one of its own.</summary>
    public RecurrentState? GivenState => _request.State;

    /// <summary>Whether it has its state.</summary>
    public bool HasBegun => _state is not null;

    /// <summary>Whether there is more of the prompt to read.</summary>
    public bool IsReading => _read < _request.Prompt.Length;

    /// <summary>Whether a kept state is looked for, or was found and not taken yet: it takes no part in steps.</summary>
    public bool IsLooking => _lookup is not null;

    /// <summary>Whether somebody else still writes into its state, so that it cannot be let go.</summary>
    public bool IsHeld => _lookup is { IsCompleted: false };

    /// <summary>Whether a step would move it.</summary>
    public bool CanStep => IsLooking ? !IsHeld : IsReading || Tokens.HasRoom;

    /// <summary>The tokens of its prompt up to the next place where its state is kept, or to the end.</summary>
    public int Wanted { get; private set; }

    /// <summary>How many of them the step reads.</summary>
    public int Share { get; set; }

    /// <summary>The last step that read some of them.</summary>
    public long LastTurn { get; set; }

    /// <summary>Whether it is over.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Makes the state, and begins to look for a kept one.</summary>
    /// <exception cref="InvalidOperationException">The state that was given is not where it was.</exception>
    public void Begin()
    {
        if ((_request.State?.TokenCount ?? 0) != _seen) throw new InvalidOperationException("The state was moved while the request waited: give a fork.");
        _state = _request.State ?? _model.CreateState();
        _history.Reserve(Math.Min(_room, ReservedTokens));
        _track = new SequenceTrack(_request.Options, _sampler, _endIds, _history, _room, _model.Config.VocabSize, text: _text);
        if (_prefixes is null || _state.TokenCount > 0) return;
        // A store may be slow: neither the other streams wait for it, nor, in a pool that it would fill, their readers.
        _lookup = Task.Factory.StartNew(() => _prefixes.Find(OwnerName, _history.Ids, _state), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _lookup.ContinueWith(_ => Tokens.WakeEngine(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Takes what was found of it, once the state is its own again.</summary>
    public void TakeFound()
    {
        var lookup = _lookup!;
        _lookup = null;
        Tokens.CachedTokens = Tokens.PromptTokensRead = _read = lookup.GetAwaiter().GetResult();
    }

    /// <summary>Waits until the state is its own.</summary>
    public void AwaitLookup()
    {
        if (_lookup is not null) Task.WaitAny(_lookup);
    }

    /// <summary>Finds out how much of the prompt can be read in a piece.</summary>
    public void Want()
    {
        var rest = _request.Prompt.Length - _read;
        var position = (int)_state!.TokenCount;
        if (_nextKept <= position) _nextKept = _prefixes is null ? position + rest : Math.Clamp(_prefixes.NextKept(position, position + rest), position + 1, position + rest);
        Wanted = _nextKept - position;
    }

    /// <summary>What the next step does with it: its share of the prompt, or its last token.</summary>
    public Chunk Next()
    {
        // Where all of the prompt was kept, a chunk without tokens gives its logits.
        if (!IsReading) return new Chunk(_state!, _token.AsMemory(0, _hasToken ? 1 : 0)) { Adapter = _request.Adapter };
        var isLast = _read + Share == _request.Prompt.Length;
        return new Chunk(_state!, _request.Prompt.Slice(_read, Share)) { Adapter = _request.Adapter, Logits = isLast ? RowSelection.Last : RowSelection.None };
    }

    /// <summary>Takes what a step gave.</summary>
    /// <param name="logits">[V]; changed in place. Empty inside the prompt.</param>
    public void Advance(Span<float> logits)
    {
        if (IsReading)
        {
            Tokens.PromptTokensRead = _read += Share;
            if (Share == Wanted) Keep();
        }

        if (logits.IsEmpty) return;
        (_token[0], _hasToken) = (_track!.Choose(logits, _state!.TokenCount), true);
        Tokens.Write(new GeneratedToken(_token[0], _track.Piece, _track.Details));
        if (_track.FinishReason == FinishReason.None) return;
        Keep();
        Tokens.FinishReason = _track.FinishReason;
        Tokens.StopString = _text?.StopString;
        End();
    }

    /// <summary>Takes no more part in steps.</summary>
    /// <param name="failure">Why; null where it came to its end, or was cancelled.</param>
    /// <param name="cancelled">Whether it was cut off.</param>
    public void End(Exception? failure = null, bool cancelled = false)
    {
        if (IsEnded) return;
        (IsEnded, _failure, _isCancelled) = (true, failure, cancelled);
    }

    /// <summary>Frees the state and ends the stream, once it is over and nobody else knows of it.</summary>
    public void Leave()
    {
        if (_state != _request.State) _state?.Dispose();
        Tokens.Complete(_failure, _isCancelled);
    }

    private void Keep() => _prefixes?.Keep(OwnerName, _history.Ids[..(int)_state!.TokenCount], _state, isInside: IsReading);
}
