namespace FalconMamba.Quantization;

/// <summary>What a tensor is in a model, as far as the choice of its type goes.</summary>
public enum WeightRole
{
    /// <summary>A small tensor that is no factor of a matrix product: norms, biases, the convolution, A and D.</summary>
    Small,

    /// <summary>A matrix of a layer.</summary>
    Projection,

    /// <summary>The embedding, of which a token reads one row.</summary>
    Embedding,

    /// <summary>The head, or the embedding where it is the head too.</summary>
    Head,
}
