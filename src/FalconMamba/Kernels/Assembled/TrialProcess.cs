using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Runs a few instructions as a program of their own, from a file in memory: what may end a process is tried there first.
/// Nothing of this process is copied, so it takes a few milliseconds whatever its size. Linux on x64.
/// </summary>
internal static class TrialProcess
{
    private const int HeaderBytes = 64, ProgramHeaderBytes = 56, CodeAt = HeaderBytes + (2 * ProgramHeaderBytes);
    private const long Base = 0x400000;
    private const int OfSignal = 128;

    /// <summary>Runs code that ends its process with an exit status.</summary>
    /// <param name="code">Position-independent code, which may write to its stack only.</param>
    /// <param name="status">
    /// The status that tells success; not zero, which a process that somebody else has waited for seems to have.
    /// </param>
    /// <param name="patience">Milliseconds that it may take.</param>
    /// <returns>Null for success, else what happened to the process.</returns>
    public static string? Run(ReadOnlySpan<byte> code, int status, int patience = 5000)
    {
        var descriptor = OperatingSystem.IsLinux() ? CodeMemory.CreateMemoryFile("falcon-mamba-trial", CodeMemory.CloseOnExec) : -1;
        if (descriptor < 0) return "the system has no files in memory";
        using var file = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            RandomAccess.Write(file, Image(code), 0);
            // With all three redirected the child has no part in the terminal.
            var start = new ProcessStartInfo($"/proc/self/fd/{descriptor}")
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var child = Process.Start(start)!;
            if (!child.WaitForExit(patience))
            {
                child.Kill();
                return "it did not end";
            }

            if (child.ExitCode == status) return null;
            return child.ExitCode > OfSignal ? $"it died of signal {child.ExitCode - OfSignal}" : $"it ended with status {child.ExitCode}";
        }
        catch (Exception e) when (e is SystemException or IOException or UnauthorizedAccessException)
        {
            return $"it could not be started ({e.Message})";
        }
    }

    /// <summary>The smallest ELF program: its headers and the code, mapped readable and executable, and a stack that is not executable.</summary>
    private static byte[] Image(ReadOnlySpan<byte> code)
    {
        const short executable = 2, x64 = 62;
        const int version = 1, load = 1, stack = 0x6474E551, readExecute = 5, readWrite = 6;
        var size = (long)CodeAt + code.Length;
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write([0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, version, .. new byte[9]]);
        writer.Write(executable);
        writer.Write(x64);
        writer.Write(version);
        // Where it begins, the program headers, no section headers, no flags.
        foreach (var place in (long[])[Base + CodeAt, HeaderBytes, 0]) writer.Write(place);
        writer.Write(0);
        // Their sizes and numbers: two program headers and no section.
        foreach (var number in (short[])[HeaderBytes, ProgramHeaderBytes, 2, 64, 0, 0]) writer.Write(number);
        // Type, rights, place in the file and twice in memory, size in both, alignment.
        WriteProgramHeader(load, readExecute, 0, Base, Base, size, size, 4096);
        WriteProgramHeader(stack, readWrite, 0, 0, 0, 0, 0, 16);
        writer.Write(code);
        return stream.ToArray();

        void WriteProgramHeader(int type, int rights, params ReadOnlySpan<long> rest)
        {
            writer.Write(type);
            writer.Write(rights);
            foreach (var number in rest) writer.Write(number);
        }
    }
}
