using System.Runtime.InteropServices;

namespace FalconMamba.Kernels;

/// <summary>
/// Floats in native memory, aligned to 64 bytes and zero at first: activations, states and prepared weights, which
/// kernels address by pointer while the garbage collector runs. Long ones take huge pages where the system has them.
/// </summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const int Alignment = 64;
    private readonly NativeBuffer? _whole;
    private readonly nuint _bytes;
    private void* _memory;
    private float* _pointer;

    /// <summary>Allocates <paramref name="length"/> floats.</summary>
    public NativeBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        var wanted = (nuint)Math.Max(1, length) * sizeof(float);
        var isLong = wanted >= 2 * MemoryAdvice.HugePage;
        var alignment = isLong ? (nuint)MemoryAdvice.HugePage : Alignment;
        _bytes = wanted + alignment;

        // Memory fresh from the system is zero already: clearing it again would fault in every page before it is used.
        _memory = NativeMemory.AllocZeroed(_bytes);
        _pointer = (float*)(((nuint)_memory + alignment - 1) & ~(alignment - 1));
        if (isLong) MemoryAdvice.PreferHugePages(_pointer, wanted);
        GC.AddMemoryPressure((long)_bytes);
    }

    private NativeBuffer(NativeBuffer whole, float* pointer, int length)
    {
        _whole = whole;
        _pointer = pointer;
        Length = length;
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the memory of a buffer that was not disposed.</summary>
    ~NativeBuffer() => Release();

    /// <summary>The number of floats.</summary>
    public int Length { get; }

    /// <summary>The buffer's first float.</summary>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public float* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_pointer is null || _whole is { _pointer: null }, this);
            return _pointer;
        }
    }

    /// <summary>All floats.</summary>
    public Span<float> Span => new(Pointer, Length);

    /// <summary>A part of the buffer, which is released with the whole and only then.</summary>
    /// <param name="start">The first float, a multiple of sixteen.</param>
    /// <param name="length">How many floats.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not inside the buffer, or not aligned.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public NativeBuffer Slice(int start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNotEqual(start % (Alignment / sizeof(float)), 0, nameof(start));
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - length);
        return new NativeBuffer(_whole ?? this, Pointer + start, length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        _pointer = null;
        if (_memory is null) return;
        NativeMemory.Free(_memory);
        _memory = null;
        GC.RemoveMemoryPressure((long)_bytes);
    }
}
