namespace FalconMamba.Generation;

// What is left to draw from. All of it needs do_sample.
public sealed partial record GenerationOptions
{
    /// <summary>How many tokens a draw is made from where nothing else is said.</summary>
    public const int DefaultTopK = 50;

    /// <summary>Divisor of the logits (<c>temperature</c>); above 0, 1 by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not above 0 or not finite.</exception>
    public double? Temperature { get; init => field = Setting.Positive(value, "temperature"); }

    /// <summary>
    /// How many of the likeliest tokens are kept, with all that equal the last of them (<c>top_k</c>); 0 keeps all,
    /// <see cref="DefaultTopK"/> is the default.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int? TopK { get; init => field = Setting.From(value, 0, "top_k"); }

    /// <summary>The likeliest tokens are kept until their probabilities reach this sum (<c>top_p</c>); 1 keeps all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not from 0 to 1.</exception>
    public double? TopP { get; init => field = Setting.From(value, 0, 1, "top_p"); }

    /// <summary>Tokens less likely than this fraction of the likeliest are dropped (<c>min_p</c>); 0 keeps all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not from 0 to 1.</exception>
    public double? MinP { get; init => field = Setting.From(value, 0, 1, "min_p"); }

    /// <summary>
    /// The tokens whose surprise is closest to the expected one are kept until their probabilities reach this sum
    /// (<c>typical_p</c>); 1 keeps all.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not above 0 and at most 1.</exception>
    public double? TypicalP { get; init => field = Setting.Positive(value, "typical_p", 1); }

    /// <summary>Tokens less likely than this are dropped (<c>epsilon_cutoff</c>); 0 keeps all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not from 0 to 1.</exception>
    public double? EpsilonCutoff { get; init => field = Setting.From(value, 0, 1, "epsilon_cutoff"); }

    /// <summary>As <see cref="EpsilonCutoff"/>, but lower where the model is unsure (<c>eta_cutoff</c>); 0 keeps all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not from 0 to 1.</exception>
    public double? EtaCutoff { get; init => field = Setting.From(value, 0, 1, "eta_cutoff"); }

    /// <summary>Of the hundred likeliest tokens, those are kept that make up this share of their entropy (<c>top_h</c>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not above 0 and at most 1.</exception>
    public double? TopH { get; init => field = Setting.Positive(value, "top_h", 1); }

    /// <summary>Tokens are kept whose logit is within so many standard deviations of the largest (<c>top_n_sigma</c>); 0 keeps all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative or not finite.</exception>
    public double? TopNSigma { get; init => field = Setting.From(value, 0, float.MaxValue, "top_n_sigma"); }

    /// <summary>How often the likeliest tokens are excluded (<c>xtc_probability</c>); 0 is never.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not from 0 to 1.</exception>
    public double? XtcProbability { get; init => field = Setting.From(value, 0, 1, "xtc_probability"); }

    /// <summary>
    /// Of the tokens at least so likely, all but the least likely are excluded (<c>xtc_threshold</c>), 0.1 by default; above
    /// 0.5 there never are two.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not from 0 to 1.</exception>
    public double? XtcThreshold { get; init => field = Setting.From(value, 0, 1, "xtc_threshold"); }

    /// <summary>
    /// How far the temperature moves with the entropy, down where the model is sure and up where it is not
    /// (<c>dynatemp_range</c>); 0 leaves it.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative or not finite.</exception>
    public double? DynatempRange { get; init => field = Setting.From(value, 0, float.MaxValue, "dynatemp_range"); }

    /// <summary>The power of the entropy's share that the temperature follows (<c>dynatemp_exponent</c>), 1 by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative or not finite.</exception>
    public double? DynatempExponent { get; init => field = Setting.From(value, 0, float.MaxValue, "dynatemp_exponent"); }

    /// <summary>Steers the surprise of the text towards a target instead of filtering (<c>mirostat</c>): 0 off, version 1 or 2.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not from 0 to 2.</exception>
    public int? Mirostat { get; init => field = Setting.From(value, 0, "mirostat", 2); }

    /// <summary>The surprise that Mirostat aims at, in bits (<c>mirostat_tau</c>), 5 by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not above 0 or not finite.</exception>
    public double? MirostatTau { get; init => field = Setting.Positive(value, "mirostat_tau"); }

    /// <summary>How fast Mirostat learns (<c>mirostat_eta</c>), 0.1 by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not above 0 or not finite.</exception>
    public double? MirostatEta { get; init => field = Setting.Positive(value, "mirostat_eta"); }
}
