namespace FalconMamba.Model;

/// <summary>Which of the two models of the family a checkpoint is.</summary>
public enum ModelKind
{
    /// <summary>Mamba-1 with weightless RMS norms on dt, B and C (<c>falcon_mamba</c>).</summary>
    FalconMamba,

    /// <summary>Mamba-1 as published by its authors (<c>mamba</c>).</summary>
    Mamba,
}
