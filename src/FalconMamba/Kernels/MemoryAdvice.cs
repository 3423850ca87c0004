using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace FalconMamba.Kernels;

/// <summary>Tells Linux how memory will be used. Other systems, and older ones, take no advice, and nothing depends on it.</summary>
internal static unsafe partial class MemoryAdvice
{
    /// <summary>The size and alignment of a huge page.</summary>
    public const int HugePage = 2 * 1024 * 1024;

    private const int AdviseHugePages = 14, AdvisePopulate = 22;

    /// <summary>Asks for huge pages, each of which is had at the cost of one page fault rather than of 512.</summary>
    /// <param name="address">The first byte, on a page's start.</param>
    /// <param name="length">How many bytes.</param>
    public static void PreferHugePages(void* address, nuint length)
    {
        if (OperatingSystem.IsLinux()) _ = Advise(address, length, AdviseHugePages);
    }

    /// <summary>Has pages of a file read and mapped, in order.</summary>
    /// <param name="address">The first byte, on a page's start.</param>
    /// <param name="length">How many bytes.</param>
    public static void Populate(void* address, nuint length)
    {
        if (OperatingSystem.IsLinux()) _ = Advise(address, length, AdvisePopulate);
    }

    [SupportedOSPlatform("linux")]
    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Advise(void* address, nuint length, int advice);
}
