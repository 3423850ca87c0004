namespace FalconMamba.Kernels;

/// <summary>Whether activations of many tokens are rounded to bfloat16 where weights are bfloat16.</summary>
internal enum ActivationRounding
{
    /// <summary>They keep their 32 bits.</summary>
    Never,

    /// <summary>Where it was measured to pay.</summary>
    WhereItPays,

    /// <summary>Where it was measured to pay, and for AMX without measuring.</summary>
    ForAmx,
}
