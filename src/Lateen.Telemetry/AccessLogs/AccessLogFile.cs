namespace Lateen.Telemetry.AccessLogs;

/// <summary>One place that access logs go to: a file, or a standard stream. Reactors append to their buffers; the writer thread writes.
/// Made by <see cref="AccessLogWriter.Open"/>.</summary>
public sealed class AccessLogFile
{
    private readonly AccessLogBuffer[] _buffers;
    private readonly bool _isStandardStream;
    private Stream _stream;

    internal AccessLogFile(string path, Stream? stream, int reactorCount, Action wake)
    {
        Path = path;
        _isStandardStream = stream is not null;
        _stream = stream ?? OpenFile(path);
        _buffers = new AccessLogBuffer[reactorCount];
        for (var i = 0; i < reactorCount; i++)
            _buffers[i] = new AccessLogBuffer(wake);
    }

    /// <summary>The path as configured; <c>/dev/stdout</c> and <c>/dev/stderr</c> for the streams.</summary>
    public string Path { get; }

    /// <summary>Leases of configurations that log here. Guarded by the writer's lock.</summary>
    internal int Uses { get; set; } = 1;

    internal ReadOnlySpan<AccessLogBuffer> Buffers => _buffers;

    internal long WritesCompleted { get; private set; }

    internal long WritesFailed { get; private set; }

    /// <summary>What a reactor appends to.</summary>
    public AccessLogBuffer BufferOf(int reactorIndex)
    {
        return _buffers[reactorIndex];
    }

    /// <summary>Writes what is there. Writer thread only.</summary>
    internal void Drain()
    {
        foreach (var buffer in _buffers)
            buffer.Drain(Write);
    }

    /// <summary>Closes the file and opens its path anew, after a rotation renamed it. Writer thread only.</summary>
    /// <returns>False when it cannot be opened; then the old file goes on being written.</returns>
    internal bool TryReopen()
    {
        if (_isStandardStream)
            return true;
        try
        {
            var opened = OpenFile(Path);
            _stream.Dispose();
            _stream = opened;
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    internal void Close()
    {
        if (!_isStandardStream)
            _stream.Dispose();
    }

    private static FileStream OpenFile(string path)
    {
        return new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
    }

    private void Write(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            // The end is looked up each time, so that a file which a rotation truncated in place grows from its new end. Pipes and devices
            // have no end.
            if (!_isStandardStream && _stream.CanSeek)
                _stream.Seek(0, SeekOrigin.End);
            _stream.Write(bytes.Span);
            _stream.Flush();
            WritesCompleted++;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            // A full disk costs log lines, never requests. The next write tries again.
            WritesFailed++;
        }
    }
}
