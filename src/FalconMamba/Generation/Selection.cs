using System.Numerics;

namespace FalconMamba.Generation;

/// <summary>Finds the largest of many values without sorting them all.</summary>
internal static class Selection
{
    /// <summary>Moves the largest values to the front, in no order (Hoare's selection).</summary>
    /// <param name="values">Finite values; permuted.</param>
    /// <param name="count">How many are wanted, from 1 to the length.</param>
    public static void Partition(Span<float> values, int count)
    {
        int low = 0, high = values.Length - 1;
        while (low < high && count <= high)
        {
            // The median of three keeps sorted and equal inputs linear.
            var pivot = Median(values[low], values[low + ((high - low) / 2)], values[high]);
            int i = low, j = high;
            while (i <= j)
            {
                while (values[i] > pivot) i++;
                while (values[j] < pivot) j--;
                if (i > j) break;
                (values[i], values[j]) = (values[j], values[i]);
                i++;
                j--;
            }

            if (count - 1 <= j) high = j;
            else if (count - 1 >= i) low = i;
            else return;
        }
    }

    /// <summary>The key at which the running sum of weights, by ascending keys, reaches a mass; the largest key if it never does.</summary>
    /// <param name="keys">At least one; permuted.</param>
    /// <param name="weights">Their weights; permuted along.</param>
    /// <param name="mass">What is to be reached.</param>
    public static double QuantileAscending(Span<double> keys, Span<double> weights, double mass)
    {
        int low = 0, high = keys.Length - 1;
        var below = 0.0;
        while (low < high)
        {
            var pivot = Median(keys[low], keys[low + ((high - low) / 2)], keys[high]);
            int i = low, j = high;
            while (i <= j)
            {
                while (keys[i] < pivot) i++;
                while (keys[j] > pivot) j--;
                if (i > j) break;
                (keys[i], keys[j]) = (keys[j], keys[i]);
                (weights[i], weights[j]) = (weights[j], weights[i]);
                i++;
                j--;
            }

            var left = below;
            for (var k = low; k <= j; k++) left += weights[k];
            if (left >= mass)
            {
                high = j;
                continue;
            }

            // One key may lie between the two parts; it equals the pivot.
            for (var k = j + 1; k < i; k++) left += weights[k];
            if (left >= mass || i > high) return pivot;
            below = left;
            low = i;
        }

        return keys[low];
    }

    /// <summary>Replaces values by larger ones, so that afterwards the first span holds the largest of both.</summary>
    /// <param name="largest">At least one value; reordered into a heap whose root is the least.</param>
    /// <param name="others">The values to choose from.</param>
    public static void KeepLargest(Span<float> largest, ReadOnlySpan<float> others)
    {
        // Ascending order is a heap already.
        largest.Sort();
        foreach (var value in others)
            if (value > largest[0]) ReplaceRoot(largest, value);
    }

    private static void ReplaceRoot(Span<float> heap, float value)
    {
        var at = 0;
        while ((2 * at) + 1 is var child && child < heap.Length)
        {
            if (child + 1 < heap.Length && heap[child + 1] < heap[child]) child++;
            if (heap[child] >= value) break;
            heap[at] = heap[child];
            at = child;
        }

        heap[at] = value;
    }

    private static T Median<T>(T a, T b, T c) where T : INumber<T> => T.Max(T.Min(a, b), T.Min(T.Max(a, b), c));
}
