using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using FalconMamba.Kernels.Assembled;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels;

/// <summary>
/// Whether the tiles of AMX multiply bfloat16 here. That the processor reports them does not say so: the system must keep their
/// registers and give this process the permission, and a virtual machine may not carry them out. So a trial runs in a process
/// of its own first (<see cref="AmxTrial"/>); all this happens once, when somebody first asks, and only where AMX is reported.
/// </summary>
internal static partial class AmxSupport
{
    /// <summary>The system call <c>arch_prctl</c>, its request of a permission, and the registers it is wanted for.</summary>
    public const int ArchitectureControl = 158, RequestPermission = 0x1023, TileData = 18;

    // Bits of XCR0: the tiles' configuration and the tiles.
    private const uint TileStates = 3u << 17;

    private static readonly Lazy<string?> Found = new(Find);

    /// <summary>Why AMX is not used, as part of a sentence; null where it is usable.</summary>
    public static string? Obstacle => Found.Value;

    /// <summary>Whether threads of the pool may multiply by AMX, after <see cref="SignalStack.Enlarge"/>.</summary>
    public static bool IsUsable => Obstacle is null;

    /// <summary>Which registers the system keeps for a thread (XCR0); null where no code can be made to ask.</summary>
    internal static unsafe uint? KeptStates()
    {
        var kernel = new KernelAssembler();
        kernel.Code.xor(ecx, ecx);
        kernel.Code.xgetbv();
        kernel.Code.mov(__dword_ptr[rdi], eax);
        var ask = kernel.Load();
        if (ask is null) return null;
        var states = 0u;
        ask(&states);
        return states;
    }

    private static string? Find()
    {
        if (!InstructionSets.Has("AMX-BF16")) return "the processor has no AMX for bfloat16, or the runtime may not use AVX-512";
        if (!KernelAssembler.HasBFloat16) return "the kernels around AMX take AVX-512 with VNNI and BF16";
        if (!OperatingSystem.IsLinux()) return "AMX is used on Linux only";
        if (KeptStates() is not { } states) return KernelChoice.NoCode;
        if ((states & TileStates) != TileStates) return "the system does not keep the registers of AMX";
        if (TrialProcess.Run(AmxTrial.Program(AmxTileKernel.Assemble(2)), AmxTrial.Right) is { } failure)
            return $"a trial of AMX in a process of its own failed: {failure}";
        return SystemCall(ArchitectureControl, RequestPermission, TileData) == 0
            ? null
            : $"the system refuses this process the registers of AMX (error {Marshal.GetLastPInvokeError()})";
    }

    [SupportedOSPlatform("linux")]
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial nint SystemCall(nint number, nint request, nint argument);
}
