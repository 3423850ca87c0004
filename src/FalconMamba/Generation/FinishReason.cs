namespace FalconMamba.Generation;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>It has not: the enumeration was left early.</summary>
    None,

    /// <summary>As many tokens as were asked for are there.</summary>
    Length,

    /// <summary>A stop id came.</summary>
    StopId,

    /// <summary>A stop string came.</summary>
    StopString,
}
