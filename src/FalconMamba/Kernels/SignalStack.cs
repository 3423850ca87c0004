using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace FalconMamba.Kernels;

/// <summary>
/// The stack on which a thread of Linux handles signals. From a thread's first tile instruction on the system puts its tiles,
/// eight kilobytes, into every signal's frame, and goes on to do so when they are released. The runtime's own stack of twelve
/// then has no room left: the next <see cref="NullReferenceException"/> on that thread, which begins as a signal, would end the
/// process. So the stack is replaced for good, and only on threads of the pool; others are not ours to change.
/// </summary>
internal static unsafe partial class SignalStack
{
    private const int Bytes = 64 * 1024, Alignment = 64, Disabled = 2;

    [ThreadStatic]
    private static bool _isLarge;

    /// <summary>The bytes of the calling thread's stack for signals; 0 where there is none.</summary>
    public static nint Size
    {
        get
        {
            Description current;
            return OperatingSystem.IsLinux() && Exchange(null, &current) == 0 && (current.Flags & Disabled) == 0 ? current.Size : 0;
        }
    }

    /// <summary>Gives the calling thread a stack of 64 KB, which it keeps. Does nothing the second time, or but on Linux.</summary>
    /// <returns>False where the system refuses it.</returns>
    public static bool Enlarge()
    {
        if (_isLarge || !OperatingSystem.IsLinux()) return true;
        // Never freed once it is in use: a thread of the pool lives as long as the process, and the runtime frees only the stack that it made itself.
        var stack = new Description { Memory = NativeMemory.AlignedAlloc(Bytes, Alignment), Size = Bytes };
        if (Exchange(&stack, null) == 0) return _isLarge = true;
        NativeMemory.AlignedFree(stack.Memory);
        return false;
    }

    /// <summary>The C library's <c>stack_t</c>.</summary>
    private struct Description
    {
        public void* Memory;
        public int Flags;
        public nint Size;
    }

    [SupportedOSPlatform("linux")]
    [LibraryImport("libc", EntryPoint = "sigaltstack")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Exchange(Description* wanted, Description* before);
}
