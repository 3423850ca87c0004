namespace FalconMamba.Kernels;

/// <summary>Whether activations are rounded to bfloat16 where weights are bfloat16.</summary>
internal enum ActivationRounding
{
    /// <summary>They keep their 32 bits.</summary>
    Never,

    /// <summary>Those of many tokens, where it was measured to pay.</summary>
    WhereItPays,

    /// <summary>Those of many tokens, where it was measured to pay, and for AMX without measuring.</summary>
    ForAmx,

    /// <summary>Those of any number of tokens or of none, as was measured to pay on vectors: no token's bits depend on the others.</summary>
    Pinned,
}
