using Iced.Intel;

namespace FalconMamba.Kernels.Assembled;

/// <summary>Five registers in which <see cref="FewTokensKernel"/> brings eight bytes of eight rows together, four times.</summary>
/// <param name="Whole">The registers: four that rows are loaded into, and one to exchange them with.</param>
/// <param name="Halves">The lower halves of the first four.</param>
internal sealed record RowRegisters(AssemblerRegisterZMM[] Whole, AssemblerRegisterYMM[] Halves)
{
    /// <summary>Those that hold the columns afterwards, in their order.</summary>
    public AssemblerRegisterZMM[] Columns { get; } = [Whole[3], Whole[1], Whole[4], Whole[0]];
}
