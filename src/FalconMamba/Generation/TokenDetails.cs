using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace FalconMamba.Generation;

/// <summary>A token and its log probability under the model.</summary>
/// <param name="Id">The token.</param>
/// <param name="Logprob">The natural logarithm of its probability.</param>
public readonly record struct TokenLogprob(int Id, float Logprob);

/// <summary>What the options ask to be kept of a generated token.</summary>
public sealed record TokenDetails
{
    /// <summary>The token, and its log probability under the model, before any setting changes it.</summary>
    public required TokenLogprob Chosen { get; init; }

    /// <summary>The likeliest tokens under the model, as many as <see cref="GenerationOptions.Logprobs"/> says, best first.</summary>
    public ImmutableArray<TokenLogprob> Top { get; init; } = [];

    /// <summary>The scores it was chosen by [V], after all settings; empty unless <see cref="GenerationOptions.OutputScores"/>.</summary>
    public ReadOnlyMemory<float> Scores { get; init; }

    /// <summary>The model's logits [V]; empty unless <see cref="GenerationOptions.OutputLogits"/>.</summary>
    public ReadOnlyMemory<float> Logits { get; init; }

    /// <summary>What the options ask for, of one token.</summary>
    /// <param name="options">The options.</param>
    /// <param name="id">The chosen token.</param>
    /// <param name="logits">The model's logits [V].</param>
    /// <param name="scores">The scores after all settings [V]; not looked at unless they are asked for.</param>
    internal static TokenDetails Of(GenerationOptions options, int id, ReadOnlySpan<float> logits, ReadOnlySpan<float> scores)
    {
        var shift = LogSoftmax.Shift(logits);
        return new TokenDetails
        {
            Chosen = new TokenLogprob(id, (float)(logits[id] - shift)),
            Top = options.Logprobs is { } count and > 0 ? Likeliest(count, logits, shift) : [],
            Scores = options.OutputScores ? scores.ToArray() : default,
            Logits = options.OutputLogits ? logits.ToArray() : default,
        };
    }

    private static ImmutableArray<TokenLogprob> Likeliest(int count, ReadOnlySpan<float> logits, double shift)
    {
        var candidates = Candidates.OfThread;
        candidates.Load(logits);
        candidates.KeepLargest(count);
        var likeliest = new TokenLogprob[candidates.Count];
        for (var i = 0; i < likeliest.Length; i++) likeliest[i] = new TokenLogprob(candidates.Ids[i], (float)(candidates.Logits[i] - shift));
        Array.Sort(likeliest, static (a, b) => b.Logprob.CompareTo(a.Logprob) is not 0 and var byLogprob ? byLogprob : a.Id.CompareTo(b.Id));
        return ImmutableCollectionsMarshal.AsImmutableArray(likeliest);
    }
}
