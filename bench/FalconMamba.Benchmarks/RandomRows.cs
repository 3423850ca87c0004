using FalconMamba.Kernels;

namespace FalconMamba.Benchmarks;

/// <summary>Random activations and small weights.</summary>
internal static class RandomRows
{
    /// <summary>Rows of numbers up to a half around a middle.</summary>
    public static Rows Create(int rows, int width, float middle = 0)
    {
        var random = new Random(rows + width);
        var buffer = new NativeBuffer(checked(rows * width));
        foreach (ref var number in buffer.Span) number = middle + random.NextSingle() - 0.5f;
        return new Rows(buffer, width);
    }
}
