using System.Runtime.InteropServices;

namespace FalconMamba.Kernels;

/// <summary>
/// Floats in native memory, aligned to 64 bytes and zero at first: activations, states and prepared weights, which
/// kernels address by pointer while the garbage collector runs.
/// </summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const int Alignment = 64;
    private float* _pointer;

    /// <summary>Allocates <paramref name="length"/> floats.</summary>
    public NativeBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        var bytes = (nuint)Math.Max(1, length) * sizeof(float);
        _pointer = (float*)NativeMemory.AlignedAlloc(bytes, Alignment);
        NativeMemory.Clear(_pointer, bytes);
        GC.AddMemoryPressure((long)bytes);
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
            ObjectDisposedException.ThrowIf(_pointer is null, this);
            return _pointer;
        }
    }

    /// <summary>All floats.</summary>
    public Span<float> Span => new(Pointer, Length);

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        if (_pointer is null) return;
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
        GC.RemoveMemoryPressure((long)Math.Max(1, Length) * sizeof(float));
    }
}
