using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using FalconMamba.Kernels;
using FalconMamba.Kernels.Assembled;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Tests.Kernels;

/// <summary>Whether AMX is usable: what is asked, and the process that tries it.</summary>
public class AmxSupportTests
{
    private const string LinuxOnly = "The trial is a program for Linux on x64.";

    private static bool IsLinux => OperatingSystem.IsLinux() && X86Base.X64.IsSupported;

    [Fact]
    public void Where_amx_is_not_usable_its_path_is_refused_with_the_reason()
    {
        Assert.Equal(AmxSupport.IsUsable, KernelSet.Paths.Contains("amx"));
        if (AmxSupport.IsUsable)
        {
            Assert.Equal("amx", KernelSet.Create("amx", 1).Name);
            return;
        }

        var error = Assert.Throws<ArgumentException>(() => KernelSet.Create("amx", 1));
        Assert.StartsWith($"FALCON_MAMBA_KERNELS is \"amx\", but {AmxSupport.Obstacle}: use ", error.Message, StringComparison.Ordinal);
        Assert.Contains("or generic.", error.Message, StringComparison.Ordinal);
        Assert.False(TileChoice.PrefersAmx);
    }

    [Fact]
    public void The_system_keeps_the_registers_that_the_runtime_uses()
    {
        Assert.SkipUnless(KernelAssembler.IsSupported, "This processor has no AVX-512.");
        // SSE, AVX, and the three parts of AVX-512.
        const uint kept = 0b1110_0110;
        Assert.Equal(kept, AmxSupport.KeptStates() & kept);
    }

    [Fact]
    public void The_trial_tells_right_numbers_from_wrong_ones()
    {
        Assert.SkipUnless(IsLinux, LinuxOnly);
        var sums = AmxTrial.Sums();
        Assert.Null(TrialProcess.Run(AmxTrial.Program(Writing(sums)), AmxTrial.Right));
        sums[^1]++;
        Assert.Equal($"it ended with status {AmxTrial.Wrong}", TrialProcess.Run(AmxTrial.Program(Writing(sums)), AmxTrial.Right));
    }

    [Fact]
    public void A_trial_that_dies_tells_its_signal()
    {
        Assert.SkipUnless(IsLinux, LinuxOnly);
        Assert.Equal("it died of signal 4", TrialProcess.Run(AmxTrial.Program([0x0F, 0x0B]), AmxTrial.Right));
        // A jump to address zero.
        Assert.Equal("it died of signal 11", TrialProcess.Run([0x31, 0xC0, 0xFF, 0xE0], AmxTrial.Right));
    }

    [Fact]
    public void A_trial_without_end_is_ended()
    {
        Assert.SkipUnless(IsLinux, LinuxOnly);
        // A jump to itself.
        Assert.Equal("it did not end", TrialProcess.Run([0xEB, 0xFE], AmxTrial.Right, patience: 50));
    }

    [Fact]
    public void Without_amx_its_trial_dies_of_the_first_tile_instruction()
    {
        Assert.SkipUnless(IsLinux, LinuxOnly);
        Assert.SkipWhen(InstructionSets.Has("AMX-BF16"), "This processor reports AMX.");
        Assert.Equal("it died of signal 4", TrialProcess.Run(AmxTrial.Program(AmxTileKernel.Assemble(2)), AmxTrial.Right));
    }

    // Takes the place of a kernel: writes the sums that it is told to.
    private static byte[] Writing(float[] sums)
    {
        var code = new Assembler(64);
        var numbers = code.CreateLabel();
        code.mov(rdi, __qword_ptr[rdi + 16]);
        code.lea(rsi, __[numbers]);
        code.mov(ecx, sums.Length);
        code.rep.movsd();
        code.ret();
        code.Label(ref numbers);
        code.db(MemoryMarshal.AsBytes<float>(sums).ToArray());
        using var stream = new MemoryStream();
        code.Assemble(new StreamCodeWriter(stream), 0);
        return stream.ToArray();
    }
}
