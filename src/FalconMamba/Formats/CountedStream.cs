namespace FalconMamba.Formats;

/// <summary>The write-only stream an entry fills: passes on exactly the declared number of bytes, no more, no fewer.</summary>
internal sealed class CountedStream : Stream
{
    private readonly Stream _target;
    private readonly long _length;
    private readonly string _name;
    private long _written;

    public CountedStream(Stream target, long length, string name)
    {
        _target = target;
        _length = length;
        _name = name;
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="InvalidOperationException">Fewer bytes were written than declared.</exception>
    public void Complete()
    {
        if (_written != _length) throw new InvalidOperationException($"Tensor {_name} takes {_length} bytes, {_written} were written.");
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.Length > _length - _written)
            throw new InvalidOperationException($"Tensor {_name} takes {_length} bytes, more were written.");
        _target.Write(buffer);
        _written += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void WriteByte(byte value) => Write([value]);

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
