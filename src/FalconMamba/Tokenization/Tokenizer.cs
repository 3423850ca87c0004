using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace FalconMamba.Tokenization;

/// <summary>
/// A byte-level BPE tokenizer as <c>tokenizer.json</c> describes it. It gives the ids of Hugging Face tokenizers 0.23 and
/// is safe for any number of threads.
/// </summary>
public sealed partial class Tokenizer
{
    private readonly TokenizerModel _model;
    private readonly TokenizerConfig _config;
    private readonly Vocabulary _vocabulary;
    private readonly TextEncoder _encoder;

    /// <summary>Joins a model and the settings beside it.</summary>
    internal Tokenizer(TokenizerModel model, TokenizerConfig config)
    {
        _model = model;
        _config = config;
        _vocabulary = new Vocabulary(model);
        _encoder = new TextEncoder(model, _vocabulary);
        AddedTokens = [.. model.AddedTokens];
    }

    /// <summary>What the tokenizer was made from.</summary>
    internal TokenizerModel Model => _model;

    /// <summary>The token that starts a text, if the tokenizer names one.</summary>
    public string? BosToken => _config.BosToken;

    /// <summary>The id of <see cref="BosToken"/>; null where there is none or the vocabulary lacks it.</summary>
    public int? BosId => IdOf(BosToken);

    /// <summary>The token that ends a text, if the tokenizer names one.</summary>
    public string? EosToken => _config.EosToken;

    /// <summary>The id of <see cref="EosToken"/>; null where there is none or the vocabulary lacks it.</summary>
    public int? EosId => IdOf(EosToken);

    /// <summary>The token that fills short rows of a batch, if the tokenizer names one.</summary>
    public string? PadToken => _config.PadToken;

    /// <summary>The id of <see cref="PadToken"/>; null where there is none or the vocabulary lacks it.</summary>
    public int? PadId => IdOf(PadToken);

    /// <summary>The token for what has none, if the tokenizer names one.</summary>
    public string? UnkToken => _config.UnkToken;

    /// <summary>The id of <see cref="UnkToken"/>; null where there is none or the vocabulary lacks it.</summary>
    public int? UnkId => IdOf(UnkToken);

    /// <summary>The tokens that are cut out of the text as a whole.</summary>
    public ImmutableArray<AddedToken> AddedTokens { get; }

    /// <summary>The Jinja source of the default chat template, if there is one.</summary>
    public string? ChatTemplate => _config.ChatTemplate;

    /// <summary>The Jinja sources of further chat templates, by name.</summary>
    public IReadOnlyDictionary<string, string> NamedChatTemplates => _config.NamedChatTemplates;

    /// <summary>The side where short rows of a batch are filled.</summary>
    public SequenceSide PaddingSide => _config.PaddingSide;

    /// <summary>The longest text in tokens that the tokenizer's files promise; null where they set no bound.</summary>
    public long? ModelMaxLength => _config.ModelMaxLength;

    /// <summary>The number of tokens, added ones included. A model may have more rows than that.</summary>
    public int VocabularySize => _vocabulary.Count;

    /// <summary>The ids by token.</summary>
    public IReadOnlyDictionary<string, int> Vocabulary => _vocabulary.Ids;

    /// <summary>The id of a token as the vocabulary spells it, or null.</summary>
    public int? TokenToId(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _vocabulary.IdOf(token);
    }

    /// <summary>The token with an id as the vocabulary spells it, or null.</summary>
    public string? IdToToken(int id) => _vocabulary.TokenOf(id);

    /// <summary>Encodes a text in which special tokens match everywhere.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="addSpecialTokens">Adds the tokens of the file's template; Falcon's files add none.</param>
    /// <returns>The ids.</returns>
    public int[] Encode(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Run(text, TrustedText.All, addSpecialTokens, false, static workspace => workspace.Ids.ToArray());
    }

    /// <summary>
    /// Encodes a text of which only parts are trusted, such as a filled chat template. The text is tokenized as one, but a
    /// special token matches only where it lies wholly in the trusted parts; elsewhere its letters are ordinary text.
    /// Added tokens that are not special, such as runs of spaces, match everywhere.
    /// </summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="trustedRanges">The trusted parts in any order; parts that touch count as one. Empty for none.</param>
    /// <param name="addSpecialTokens">Adds the tokens of the file's template; Falcon's files add none.</param>
    /// <returns>The ids.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A range does not lie in the text.</exception>
    public int[] Encode(string text, ReadOnlySpan<Range> trustedRanges, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Run(text, TrustedText.From(trustedRanges, text.Length), addSpecialTokens, false, static workspace => workspace.Ids.ToArray());
    }

    /// <summary>Encodes a text into memory of the caller's.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="destination">Takes the ids. Three for each char of the text are enough where the file
    /// has no normalizer, prefix space or template.</param>
    /// <param name="addSpecialTokens">Adds the tokens of the file's template; Falcon's files add none.</param>
    /// <returns>The number of ids.</returns>
    /// <exception cref="ArgumentException">The ids do not fit.</exception>
    public int EncodeTo(ReadOnlySpan<char> text, Span<int> destination, bool addSpecialTokens = true)
    {
        var workspace = EncodingWorkspace.Rent(wantsOffsets: false);
        try
        {
            Fill(workspace, text, TrustedText.All, addSpecialTokens);
            if (!workspace.Ids.TryCopyTo(destination))
                throw new ArgumentException($"The text has {workspace.Count} tokens, but there is room for {destination.Length}.", nameof(destination));
            return workspace.Count;
        }
        finally
        {
            workspace.Return();
        }
    }

    /// <summary>Encodes a text and tells what part of it each token stands for, and which bytes were lost.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="addSpecialTokens">Adds the tokens of the file's template; Falcon's files add none.</param>
    public TokenizedText Tokenize(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Run(text, TrustedText.All, addSpecialTokens, true, Describe);
    }

    /// <summary>Encodes a text of which only parts are trusted, with the place of each token.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="trustedRanges">The trusted parts, as for <see cref="Encode(string, ReadOnlySpan{Range}, bool)"/>.</param>
    /// <param name="addSpecialTokens">Adds the tokens of the file's template; Falcon's files add none.</param>
    /// <exception cref="ArgumentOutOfRangeException">A range does not lie in the text.</exception>
    public TokenizedText Tokenize(string text, ReadOnlySpan<Range> trustedRanges, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Run(text, TrustedText.From(trustedRanges, text.Length), addSpecialTokens, true, Describe);
    }

    /// <inheritdoc cref="Vocabulary.FirstDifference"/>
    internal int? FirstDifference(Tokenizer other) => _vocabulary.FirstDifference(other._vocabulary);

    private T Run<T>(string text, TrustedText trusted, bool addSpecialTokens, bool wantsOffsets, Func<EncodingWorkspace, T> result)
    {
        var workspace = EncodingWorkspace.Rent(wantsOffsets);
        try
        {
            Fill(workspace, text, trusted, addSpecialTokens);
            return result(workspace);
        }
        finally
        {
            workspace.Return();
        }
    }

    private void Fill(EncodingWorkspace workspace, ReadOnlySpan<char> text, TrustedText trusted, bool addSpecialTokens)
    {
        _encoder.Encode(text, trusted, workspace);
        if (addSpecialTokens) workspace.Surround(_model.Prefix, _model.Suffix);
    }

    private TokenizedText Describe(EncodingWorkspace workspace) => new()
    {
        Ids = [.. workspace.Ids],
        Tokens = ImmutableCollectionsMarshal.AsImmutableArray(Array.ConvertAll(workspace.Ids.ToArray(), id => _vocabulary.TokenOf(id)!)),
        Offsets = [.. workspace.Offsets],
        LostBytes = [.. workspace.LostBytes],
    };

    private int? IdOf(string? token) => token is null ? null : _vocabulary.IdOf(token);
}
