using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Memory for machine code that was assembled at run time. It is never writable and executable at once: a file in memory is
/// mapped twice where the system has one, else anonymous memory changes its protection. Hardened systems forbid both.
/// </summary>
internal static unsafe partial class CodeMemory
{
    /// <summary>The wish that a file in memory is not there for programs that this process starts.</summary>
    public const uint CloseOnExec = 1;

    private const int Read = 1, Write = 2, Execute = 4;
    private const int Shared = 1, Private = 2, LinuxAnonymous = 0x20, AppleAnonymous = 0x1000;
    private const uint Commit = 0x3000, PageReadWrite = 4, PageExecuteRead = 0x20;
    private static readonly nint Failed = -1;

    /// <summary>Whether no code is loaded, as on a system that forbids it: for tests, before the first kernel is looked for.</summary>
    internal static bool IsForbidden { get; set; }

    /// <summary>Copies code to where it can run; the memory is kept until the process ends.</summary>
    /// <param name="code">Position-independent code.</param>
    /// <returns>Its first byte, or null where the system does not allow it.</returns>
    public static void* Load(ReadOnlySpan<byte> code)
    {
        if (IsForbidden) return null;
        if (OperatingSystem.IsWindows()) return LoadOnWindows(code);
        var place = OperatingSystem.IsLinux() ? LoadThroughFile(code) : null;
        return place is null ? LoadAnonymous(code) : place;
    }

    [SupportedOSPlatform("linux")]
    private static void* LoadThroughFile(ReadOnlySpan<byte> code)
    {
        var file = CreateMemoryFile("falcon-mamba-kernels", CloseOnExec);
        if (file < 0) return null;
        try
        {
            if (Truncate(file, code.Length) != 0) return null;
            var writable = Map(0, (nuint)code.Length, Read | Write, Shared, file, 0);
            if (writable == Failed) return null;
            code.CopyTo(new Span<byte>((void*)writable, code.Length));
            _ = Unmap(writable, (nuint)code.Length);
            var executable = Map(0, (nuint)code.Length, Read | Execute, Shared, file, 0);
            return executable == Failed ? null : (void*)executable;
        }
        finally
        {
            _ = Close(file);
        }
    }

    [UnsupportedOSPlatform("windows")]
    private static void* LoadAnonymous(ReadOnlySpan<byte> code)
    {
        var anonymous = OperatingSystem.IsLinux() ? LinuxAnonymous : AppleAnonymous;
        var place = Map(0, (nuint)code.Length, Read | Write, Private | anonymous, -1, 0);
        if (place == Failed) return null;
        code.CopyTo(new Span<byte>((void*)place, code.Length));
        if (Protect(place, (nuint)code.Length, Read | Execute) == 0) return (void*)place;
        _ = Unmap(place, (nuint)code.Length);
        return null;
    }

    [SupportedOSPlatform("windows")]
    private static void* LoadOnWindows(ReadOnlySpan<byte> code)
    {
        var place = VirtualAlloc(0, (nuint)code.Length, Commit, PageReadWrite);
        if (place == 0) return null;
        code.CopyTo(new Span<byte>((void*)place, code.Length));
        return VirtualProtect(place, (nuint)code.Length, PageExecuteRead, out _) != 0 && FlushInstructionCache(-1, place, (nuint)code.Length) != 0
            ? (void*)place
            : null;
    }

    /// <summary>Makes a file in memory; negative where the system has none.</summary>
    [SupportedOSPlatform("linux")]
    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    public static partial int CreateMemoryFile(string name, uint flags);

    [SupportedOSPlatform("linux")]
    [LibraryImport("libc", EntryPoint = "ftruncate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Truncate(int file, nint length);

    [UnsupportedOSPlatform("windows")]
    [LibraryImport("libc", EntryPoint = "mmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [UnsupportedOSPlatform("windows")]
    [LibraryImport("libc", EntryPoint = "munmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Unmap(nint address, nuint length);

    [UnsupportedOSPlatform("windows")]
    [LibraryImport("libc", EntryPoint = "mprotect")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Protect(nint address, nuint length, int protection);

    [SupportedOSPlatform("linux")]
    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Close(int file);

    [SupportedOSPlatform("windows")]
    [LibraryImport("kernel32")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial nint VirtualAlloc(nint address, nuint size, uint allocation, uint protection);

    [SupportedOSPlatform("windows")]
    [LibraryImport("kernel32")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int VirtualProtect(nint address, nuint size, uint protection, out uint old);

    [SupportedOSPlatform("windows")]
    [LibraryImport("kernel32")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int FlushInstructionCache(nint process, nint address, nuint size);
}
