using System.Collections.Immutable;
using FalconMamba.Generation.Filters;
using FalconMamba.Generation.Speculation;

namespace FalconMamba.Generation;

/// <summary>
/// Chooses the next token from logits: the likeliest, or a draw, after all that the options say. It keeps no state: the same
/// options, logits, history and place choose the same token, in whatever order and on whatever thread they come.
/// </summary>
public sealed class Sampler
{
    private const double DefaultTau = 5;
    private const double DefaultEta = 0.1;

    private readonly LogitsPipeline _pipeline;
    private readonly Mirostat? _mirostat;
    private readonly bool _draws;
    private readonly ulong _seed;

    /// <summary>A sampler with fixed options.</summary>
    /// <param name="options">How to choose.</param>
    /// <param name="endIds">The tokens that end a text, as <see cref="GenerationOptions.EndIds"/> tells them.</param>
    /// <exception cref="ArgumentException">A setting would have no effect.</exception>
    public Sampler(GenerationOptions options, ImmutableArray<int> endIds = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        endIds = endIds.IsDefault ? [] : endIds;
        OptionRules.ThrowIfIneffective(options);
        OptionRules.ThrowIfEndless(options, endIds);
        _pipeline = new LogitsPipeline(options, endIds);
        _draws = options.DoSample == true;
        _seed = options.Seed;
        if (options.Mirostat is { } version and > 0) _mirostat = new Mirostat(version, options.MirostatTau ?? DefaultTau, options.MirostatEta ?? DefaultEta);
    }

    /// <summary>Whether a choice depends on the tokens before it, so that <see cref="Sample"/> needs them.</summary>
    public bool NeedsHistory => _pipeline.NeedsHistory || _mirostat is not null;

    /// <summary>Chooses a token. Allocates nothing once the thread has seen a vocabulary of this size.</summary>
    /// <param name="logits">[V]; minus infinity forbids a token. Changed in place.</param>
    /// <param name="position">The token's position in its sequence, which with the seed decides the draw.</param>
    /// <param name="history">The tokens before it; null if they do not matter. Mirostat's limit is moved in it, the token is not added.</param>
    /// <param name="sequence">Which of several sequences from one prompt, so that each draws its own.</param>
    /// <param name="scores">Room for the scores [V] it was chosen by, minus infinity for what could not be; empty for none.</param>
    /// <returns>An id from 0 to V − 1; the lowest of the likeliest when nothing is drawn.</returns>
    /// <exception cref="ArgumentException">The history matters, and is missing or holds a token that the vocabulary lacks.</exception>
    /// <exception cref="InvalidOperationException">The logits hold a NaN, positive infinity, or nothing but minus infinity.</exception>
    public int Sample(Span<float> logits, long position, TokenHistory? history = null, int sequence = 0, Span<float> scores = default) =>
        Choose(logits, position, history, sequence, scores, default);

    /// <summary>The same, where the token was guessed: a guess that was drawn stays wherever the distribution allows it.</summary>
    internal int Choose(Span<float> logits, long position, TokenHistory? history, int sequence, Span<float> scores, DraftedToken guess)
    {
        Process(logits, history);
        if (!_draws && scores.IsEmpty) return ArgMax.Of(logits);
        var candidates = Candidates.OfThread;
        candidates.Load(logits);
        var place = new DrawPlace(_seed, position, sequence);
        _pipeline.Filter(candidates, place);
        var limit = history?.MirostatMu ?? _mirostat?.FirstLimit ?? 0;
        _mirostat?.Truncate(candidates, limit, logits.Length);
        if (!scores.IsEmpty)
        {
            if (_pipeline.Renormalizes) candidates.Normalize();
            candidates.CopyTo(scores);
        }

        if (!_draws) return ArgMax.Of(logits);
        var id = guess.Chances.IsEmpty
            ? candidates.Draw(place.Uniform(DrawPurpose.Token), out var probability)
            : AcceptanceRule.Choose(candidates, guess.Id, guess.Chances, place, out probability);
        if (_mirostat is not null) history!.MirostatMu = _mirostat.Follow(limit, probability);
        return id;
    }

    /// <summary>Guesses a token by a smaller model's logits, and proposes it.</summary>
    /// <param name="logits">The smaller model's [V]; changed in place.</param>
    /// <param name="position">The position of the proposal's first token: the draws depend on it and on the token's place behind it.</param>
    /// <param name="history">The tokens before it, proposed ones included.</param>
    /// <param name="proposal">Takes it.</param>
    /// <param name="chance">How likely it was.</param>
    internal int Draft(Span<float> logits, long position, TokenHistory history, Proposal proposal, out double chance)
    {
        Process(logits, history);
        if (!_draws)
        {
            var likeliest = ArgMax.Of(logits);
            chance = Math.Exp(logits[likeliest] - LogSoftmax.Shift(logits));
            proposal.Add(likeliest);
            return likeliest;
        }

        var candidates = Candidates.OfThread;
        candidates.Load(logits);
        _pipeline.Filter(candidates, new DrawPlace(_seed, position + proposal.Count));
        candidates.CopyProbabilitiesTo(proposal.NextChances());
        // A position is drafted for anew each time a guess before it fails: the first one's is never the same again.
        var id = candidates.Draw(new DrawPlace(_seed, position).Uniform(DrawPurpose.Draft, 1 + proposal.Count), out chance);
        proposal.AddDrawn(id);
        return id;
    }

    private void Process(Span<float> logits, TokenHistory? history)
    {
        if (NeedsHistory && history is null) throw new ArgumentException("The options look at the tokens before: give the history.", nameof(history));
        ReadOnlySpan<int> ids = history is null ? [] : history.Ids;
        if (_pipeline.NeedsHistory && ids.ContainsAnyExceptInRange(0, logits.Length - 1))
            throw new ArgumentException($"The history holds a token that is not from 0 to {logits.Length - 1}, as the vocabulary has {logits.Length}.", nameof(history));
        _pipeline.Process(ids, history?.PromptLength ?? 0, logits);
    }
}
