using System.Collections.Immutable;

namespace FalconMamba.Generation;

/// <summary>Checks values of options as they are set; errors name them as transformers does.</summary>
internal static class Setting
{
    /// <summary>A number within bounds, or none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of bounds or NaN.</exception>
    public static double? From(double? value, double least, double most, string name) => value is null || (value >= least && value <= most)
        ? value
        : throw OutOfRange(name, value, most < float.MaxValue ? FormattableString.Invariant($"must be from {least} to {most}") : FormattableString.Invariant($"must be a finite number from {least}"));

    /// <summary>A finite number above 0 and not above a bound, or none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is 0, below it, too large or NaN.</exception>
    public static double? Positive(double? value, string name, double most = float.MaxValue) => value is null || (value > 0 && value <= most)
        ? value
        : throw OutOfRange(name, value, most < float.MaxValue ? FormattableString.Invariant($"must be above 0 and at most {most}") : "must be a finite number above 0");

    /// <summary>A finite number, or none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a finite float.</exception>
    public static double? Finite(double? value, string name) => value is null || Math.Abs(value.Value) <= float.MaxValue
        ? value
        : throw OutOfRange(name, value, "must be a finite number");

    /// <summary>A whole number within bounds, or none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of bounds.</exception>
    public static int? From(int? value, int least, string name, int most = int.MaxValue) => value is null || (value >= least && value <= most)
        ? value
        : throw OutOfRange(name, value, most < int.MaxValue ? $"must be from {least} to {most}" : $"must be {least} or more");

    /// <summary>A value that its enumeration has, or none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The enumeration has no such value.</exception>
    public static T? Defined<T>(T? value, string name) where T : struct, Enum => value is null || Enum.IsDefined(value.Value)
        ? value
        : throw OutOfRange(name, value, $"must be one of {string.Join(", ", Enum.GetNames<T>())}");

    /// <summary>Token ids; none where the array is not there.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public static ImmutableArray<int> Ids(ImmutableArray<int> ids, string name)
    {
        if (ids.IsDefault) return [];
        foreach (var id in ids)
            if (id < 0) throw OutOfRange(name, id, "must hold token ids, 0 or more");
        return ids;
    }

    /// <summary>Sequences of token ids; none where the array is not there.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    /// <exception cref="ArgumentException">A sequence is empty.</exception>
    public static ImmutableArray<ImmutableArray<int>> Sequences(ImmutableArray<ImmutableArray<int>> sequences, string name)
    {
        if (sequences.IsDefault) return [];
        foreach (var sequence in sequences)
        {
            if (sequence.IsDefaultOrEmpty) throw new ArgumentException($"{name} must not hold an empty sequence.", name);
            Ids(sequence, name);
        }

        return sequences;
    }

    private static ArgumentOutOfRangeException OutOfRange(string name, object? value, string rule) => new(name, value, $"{name} {rule}.");
}
