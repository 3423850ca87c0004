using System.Runtime.CompilerServices;

namespace FalconMamba.Quantization;

/// <summary>Sixteen bytes inside a block.</summary>
[InlineArray(Length)]
internal struct Bytes16
{
    public const int Length = 16;
    private byte _first;
}

/// <summary>Thirty-two bytes inside a block.</summary>
[InlineArray(Length)]
internal struct Bytes32
{
    public const int Length = 32;
    private byte _first;
}

/// <summary>Sixty-four bytes inside a block.</summary>
[InlineArray(Length)]
internal struct Bytes64
{
    public const int Length = 64;
    private byte _first;
}

/// <summary>128 bytes inside a block.</summary>
[InlineArray(Length)]
internal struct Bytes128
{
    public const int Length = 128;
    private byte _first;
}
