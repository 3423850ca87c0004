namespace FalconMamba.Model;

/// <summary>Where the epsilon of the norms on dt, B and C was found.</summary>
public enum EpsilonSource
{
    /// <summary>A <c>config.json</c>, or the default that holds where it says nothing.</summary>
    Configuration,

    /// <summary>The key <c>falcon_mamba.mixer_rms_eps</c> of a GGUF file, which this library's converter writes.</summary>
    MixerKey,

    /// <summary>
    /// The epsilon of the layers' norms: other converters keep only that one in a GGUF file, and llama.cpp uses it for both.
    /// </summary>
    LayerNormEpsilon,

    /// <summary><see cref="ModelOptions.MixerRmsEps"/>.</summary>
    Override,
}
