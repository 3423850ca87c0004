namespace FalconMamba.Benchmarks;

/// <summary>A weight matrix of the 7B model.</summary>
/// <param name="Name">Its name in checkpoints.</param>
/// <param name="Rows">Outputs.</param>
/// <param name="Columns">Inputs.</param>
public sealed record MatrixShape(string Name, int Rows, int Columns)
{
    /// <summary>The input projection.</summary>
    public static MatrixShape InProj { get; } = new("in_proj", 16384, 4096);

    /// <summary>The output projection.</summary>
    public static MatrixShape OutProj { get; } = new("out_proj", 4096, 8192);

    /// <summary>Every matrix of a layer, and the head.</summary>
    public static IEnumerable<MatrixShape> All =>
        [InProj, OutProj, new("x_proj", 288, 8192), new("dt_proj", 8192, 256), new("lm_head", 65024, 4096)];

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Rows}x{Columns}";
}
