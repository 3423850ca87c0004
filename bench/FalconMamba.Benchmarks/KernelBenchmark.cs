namespace FalconMamba.Benchmarks;

/// <summary>The numbers that a kernel's products are of.</summary>
public enum Products
{
    /// <summary>It does more than multiply and add.</summary>
    None,

    /// <summary>Float32.</summary>
    Floats,

    /// <summary>Eight bits.</summary>
    Bytes,
}

/// <summary>What one call of a kernel moves and computes.</summary>
/// <param name="Bytes">Bytes of weights, activations and states, each read or written once.</param>
/// <param name="Operations">Multiplications and additions; an exponential counts as one.</param>
/// <param name="Products">What the operations are bound by, where they are a matrix product's.</param>
public readonly record struct Work(long Bytes, long Operations, Products Products = Products.None);

/// <summary>A benchmark that knows its work, so that its time becomes a rate.</summary>
public abstract class KernelBenchmark
{
    /// <summary>The work of one call of a benchmark method at the parameters that are set.</summary>
    public abstract Work WorkOf(string method);
}
