namespace FalconMamba.Kernels;

/// <summary>The bytes that a product keeps in <see cref="ThreadMemory"/> for the next one.</summary>
/// <param name="Inputs">Those of the thread that calls.</param>
/// <param name="Panels">Those of each thread.</param>
internal readonly record struct ProductScratch(long Inputs, long Panels)
{
    /// <summary>What both take where one runs after the other.</summary>
    public ProductScratch Union(ProductScratch other) => new(Math.Max(Inputs, other.Inputs), Math.Max(Panels, other.Panels));
}
