namespace FalconMamba.Model;

/// <summary>A place in the forward pass that an <see cref="IActivationTap"/> sees.</summary>
public enum ActivationSite
{
    /// <summary>The embedding of a token [H]; layer −1.</summary>
    Embedding,

    /// <summary>The residual stream behind a layer [H].</summary>
    LayerOutput,

    /// <summary>The final norm's output [H]; layer is the number of layers.</summary>
    FinalNorm,
}

/// <summary>Looks at activations while they pass: for probing, or statistics for quantisation.</summary>
public interface IActivationTap
{
    /// <summary>Sees one token's activation. Called on the forward's own thread, site by site, tokens in order.</summary>
    /// <param name="site">Where.</param>
    /// <param name="layer">The layer's number.</param>
    /// <param name="chunk">The chunk's number in the call.</param>
    /// <param name="token">The token's number in the chunk.</param>
    /// <param name="values">The values, valid during the call.</param>
    void Observe(ActivationSite site, int layer, int chunk, int token, ReadOnlySpan<float> values);
}
