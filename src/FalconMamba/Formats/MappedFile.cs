using System.IO.MemoryMappedFiles;
using FalconMamba.Kernels;
using Microsoft.Win32.SafeHandles;

namespace FalconMamba.Formats;

/// <summary>
/// A whole file mapped read-only into memory, so that weights are read in place and shared between processes.
/// </summary>
/// <remarks>
/// The mapping lives until <see cref="Dispose"/>; it is never taken away behind a reader's back, so a mapped file that
/// is only forgotten stays mapped until the process ends. Dispose it when nothing reads its spans or pointers any more.
/// Cutting a mapped file short from outside makes reads of the lost pages fatal to the process, as with every mapping.
/// </remarks>
public sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _mapping;
    private readonly MemoryMappedViewAccessor? _view;
    private byte* _pointer;
    private bool _disposed;

    private MappedFile(string path, long length, MemoryMappedFile? mapping, MemoryMappedViewAccessor? view)
    {
        Path = path;
        Length = length;
        _mapping = mapping;
        _view = view;
        if (view is null) return;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref _pointer);
        _pointer += view.PointerOffset;
        // What is not in memory yet then comes in pieces large enough for huge pages, which are read faster ever after.
        if (length >= MemoryAdvice.HugePage) MemoryAdvice.PreferHugePages(_pointer, (nuint)length);
    }

    /// <summary>The path the file was opened by.</summary>
    public string Path { get; }

    /// <summary>The file's length in bytes when it was opened.</summary>
    public long Length { get; }

    /// <summary>The first byte; null for an empty file, which has nothing to map.</summary>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    internal byte* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _pointer;
        }
    }

    /// <summary>Maps a file.</summary>
    /// <param name="path">A file that can be read; it may be empty.</param>
    /// <exception cref="IOException">The file is missing or cannot be mapped.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read, or is a folder.</exception>
    public static MappedFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        // Weights are read once in order at load, then at random: no hint fits both, so none is given.
        using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return Map(path, handle);
    }

    /// <summary>Bytes of the file; valid until <see cref="Dispose"/>.</summary>
    /// <param name="offset">The first byte, from the start of the file.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the file.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
        return new ReadOnlySpan<byte>(_pointer + offset, length);
    }

    /// <summary>
    /// Has the file read from its first byte to its last. What is touched here and there first, by several threads, comes in
    /// small pieces, and is read more slowly ever after.
    /// </summary>
    /// <param name="read">Told how many bytes of it are in memory.</param>
    /// <param name="cancellationToken">Looked at between pieces.</param>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    internal void ReadInOrder(Action<long> read, CancellationToken cancellationToken)
    {
        const long piece = 32L * MemoryAdvice.HugePage;
        for (long start = 0; start < Length; start += piece)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var length = Math.Min(piece, Length - start);
            MemoryAdvice.Populate(Pointer + start, (nuint)length);
            read(start + length);
        }
    }

    /// <summary>Unmaps the file. Spans and pointers into it must not be used afterwards.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (_view is not null)
        {
            _pointer = null;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
        }

        _mapping?.Dispose();
    }

    private static MappedFile Map(string path, SafeFileHandle handle)
    {
        var length = RandomAccess.GetLength(handle);
        if (length == 0) return new MappedFile(path, 0, null, null);
        var mapping = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        MemoryMappedViewAccessor? view = null;
        try
        {
            view = mapping.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            return new MappedFile(path, length, mapping, view);
        }
        catch
        {
            view?.Dispose();
            mapping.Dispose();
            throw;
        }
    }
}
