using System.Numerics;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Methods;

/// <summary>The attributes and methods of numbers.</summary>
internal static class NumberMethods
{
    /// <summary>A method or an attribute by its name.</summary>
    public static bool TryAttribute(object number, string name, out object? value)
    {
        var isInteger = Kinds.TryInteger(number, out var integer);
        value = name switch
        {
            "real" => isInteger ? integer : number,
            "imag" => isInteger ? BigInteger.Zero : 0.0,
            "conjugate" => new Function(name, _ => isInteger ? integer : number),
            "is_integer" when number is double real => new Function(name, _ => double.IsInteger(real)),
            "numerator" when isInteger => integer,
            "denominator" when isInteger => BigInteger.One,
            "bit_length" when isInteger => new Function(name, _ => new BigInteger((long)BigInteger.Abs(integer).GetBitLength())),
            "bit_count" when isInteger => new Function(name, _ => new BigInteger((long)CountBits(BigInteger.Abs(integer)))),
            _ => null,
        };
        return value is not null;
    }

    private static int CountBits(BigInteger number) => number.ToByteArray().Sum(static value => BitOperations.PopCount(value));
}
