using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Generation;

/// <summary>
/// Generated text in pieces: only whole characters come out, nothing of a stop string does, and special tokens are left out.
/// </summary>
public sealed class TextGenerator : IDisposable
{
    private readonly Tokenizer _tokenizer;
    private readonly TokenGenerator _tokens;
    private readonly GenerationOptions _options;
    private readonly List<int> _ids = [];
    private readonly List<TokenDetails> _details = [];

    /// <summary>A generator for one model, its tokenizer and fixed options.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="options">How tokens are chosen and when to stop; null for the defaults.</param>
    /// <exception cref="ArgumentException">A setting would have no effect, asks for several sequences or holds a token that the vocabulary lacks, or the assistant has another tokenizer.</exception>
    public TextGenerator(IModelRunner model, Tokenizer tokenizer, GenerationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        _tokenizer = tokenizer;
        _options = options ?? new GenerationOptions();
        OptionRules.ThrowIfOtherTokenizer(_options, tokenizer);
        _tokens = new TokenGenerator(model, _options);
    }

    /// <summary>The ids of the last generation so far, a stop id included.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>What the options ask to be kept of each of them; empty if it is nothing.</summary>
    public IReadOnlyList<TokenDetails> Details => _details;

    /// <summary>Why the last generation ended.</summary>
    public FinishReason FinishReason { get; private set; }

    /// <inheritdoc cref="TokenGenerator.Pending"/>
    public int? Pending => _tokens.Pending;

    /// <inheritdoc cref="TokenGenerator.Speculation"/>
    public SpeculationCounts Speculation => _tokens.Speculation;

    /// <inheritdoc cref="TokenGenerator.NeedsHistory"/>
    public bool NeedsHistory => _tokens.NeedsHistory;

    /// <inheritdoc cref="TokenGenerator.Dispose"/>
    public void Dispose() => _tokens.Dispose();

    /// <summary>Reads the prompt and generates text.</summary>
    /// <param name="state">The sequence's past; moved over the prompt and all generated tokens but the last.</param>
    /// <param name="prompt">The next tokens; may be empty if the state has seen some.</param>
    /// <param name="history"><inheritdoc cref="TokenGenerator.Generate" path="/param[@name='history']"/></param>
    /// <param name="text">
    /// Decodes the tokens; null for a fresh one. A stream of the caller is not flushed, so that a later call goes on inside a
    /// character that this one leaves unfinished.
    /// </param>
    /// <param name="stops">
    /// Finds the stop strings; null for a fresh matcher of the options' own. A matcher of the caller is not flushed, so that a
    /// later call goes on inside a stop string that this one leaves unfinished.
    /// </param>
    /// <param name="progress">Told how many tokens of the prompt are read.</param>
    /// <param name="cancellationToken">Looked at before every token and inside long prompts.</param>
    /// <returns>Pieces of text as they become certain.</returns>
    /// <exception cref="ArgumentException"><inheritdoc cref="TokenGenerator.Generate" path="/exception[@cref='T:System.ArgumentException']"/></exception>
    /// <exception cref="OperationCanceledException">Cancelled; the state is at the token its count tells.</exception>
    public IEnumerable<string> Generate(
        RecurrentState state,
        ReadOnlyMemory<int> prompt,
        TokenHistory? history = null,
        TextStream? text = null,
        StopStringMatcher? stops = null,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default)
    {
        _ids.Clear();
        _details.Clear();
        FinishReason = FinishReason.None;
        var stream = text ?? new TextStream(_tokenizer, skipSpecialTokens: true);
        var matcher = stops ?? new StopStringMatcher(_options.StopStrings);
        foreach (var id in _tokens.Generate(state, prompt, history, progress, cancellationToken))
        {
            _ids.Add(id);
            if (_tokens.Details is { } details) _details.Add(details);
            // A stop id may be an ordinary token: it ends the text and is no part of it.
            if (_tokens.FinishReason == FinishReason.StopId) break;
            if (matcher.Push(stream.Append(id)) is { Length: > 0 } piece) yield return piece;
            if (matcher.Matched is null) continue;
            FinishReason = FinishReason.StopString;
            yield break;
        }

        FinishReason = _tokens.FinishReason;
        var ending = text is null ? matcher.Push(stream.Flush()) : "";
        if (stops is null) ending += matcher.Flush();
        if (ending.Length > 0) yield return ending;
    }
}
