namespace Lateen.Telemetry.AccessLogs;

/// <summary>The lines of one reactor on their way to one file. The reactor appends, the writer thread takes; they share no lock.</summary>
/// <remarks>
/// One producer, one consumer. Lines go into a chunk; each is published by moving the chunk's end with a volatile write, after its octets.
/// A full chunk gets a successor, and the consumer moves on once it has taken everything that was published before. The chunk that it
/// leaves goes back as the spare, so a steady stream of lines allocates nothing. When the writer thread falls behind by
/// <see cref="MaxChunks"/> chunks, lines are dropped and counted: the request path never waits for a disk.
/// </remarks>
public sealed class AccessLogBuffer
{
    /// <summary>Octets of a chunk. The writer thread is woken when one is full. A longer line is dropped.</summary>
    public const int ChunkSize = 64 * 1024;

    /// <summary>Chunks that may wait for the writer thread; 1 MiB for each reactor and file.</summary>
    public const int MaxChunks = 16;

    private readonly Action _wake;

    // Producer's side.
    private Chunk _tail;
    private int _end;
    private long _chunksFilled;
    private long _linesAppended;
    private long _linesDropped;

    // Consumer's side.
    private Chunk _head;
    private int _begin;
    private long _chunksTaken;

    private Chunk? _spare;

    internal AccessLogBuffer(Action wake)
    {
        _wake = wake;
        _head = _tail = new Chunk();
    }

    /// <summary>Lines taken in. Any thread.</summary>
    public long LinesAppended => Volatile.Read(ref _linesAppended);

    /// <summary>Lines lost because the writer thread was too far behind, or because they were longer than a chunk. Any thread.</summary>
    public long LinesDropped => Volatile.Read(ref _linesDropped);

    /// <summary>Writes the line of an exchange. Producer's thread only.</summary>
    /// <returns>False when the line was dropped.</returns>
    public bool TryAppend(AccessLogFormat format, IAccessLogRecord record)
    {
        if (format.TryWrite(record, _tail.Bytes.AsSpan(_end), out var written)
            || (TryStartChunk() && format.TryWrite(record, _tail.Bytes.AsSpan(_end), out written)))
        {
            Publish(written);
            return true;
        }
        _linesDropped++;
        return false;
    }

    /// <summary>Writes a line that is already made. Producer's thread only.</summary>
    /// <returns>False when the line was dropped.</returns>
    public bool TryAppend(ReadOnlySpan<byte> line)
    {
        if (line.Length <= ChunkSize - _end || (line.Length <= ChunkSize && TryStartChunk()))
        {
            line.CopyTo(_tail.Bytes.AsSpan(_end));
            Publish(line.Length);
            return true;
        }
        _linesDropped++;
        return false;
    }

    /// <summary>Gives everything published so far to the destination. Consumer's thread only.</summary>
    internal void Drain(Action<ReadOnlyMemory<byte>> destination)
    {
        while (true)
        {
            // Order matters: the successor is read before the end, because the producer sets the end for the last time before it sets
            // the successor. So a successor seen means that the end seen after it is final.
            var next = Volatile.Read(ref _head.Next);
            var end = Volatile.Read(ref _head.End);
            if (end > _begin)
            {
                destination(_head.Bytes.AsMemory(_begin, end - _begin));
                _begin = end;
            }
            if (next is null)
                return;
            var left = _head;
            _head = next;
            _begin = 0;
            Volatile.Write(ref _chunksTaken, _chunksTaken + 1);
            left.Next = null;
            left.End = 0;
            Volatile.Write(ref _spare, left);
        }
    }

    private void Publish(int length)
    {
        _end += length;
        _linesAppended++;
        Volatile.Write(ref _tail.End, _end);
    }

    private bool TryStartChunk()
    {
        if (_end == 0 || _chunksFilled + 1 - Volatile.Read(ref _chunksTaken) >= MaxChunks)
            return false;
        // Pairs with the volatile write of the spare in Drain; an exchange, so that the same chunk is never taken twice.
        var chunk = Interlocked.Exchange(ref _spare, null) ?? new Chunk();
        Volatile.Write(ref _tail.Next, chunk);
        _tail = chunk;
        _end = 0;
        _chunksFilled++;
        _wake();
        return true;
    }

    private sealed class Chunk
    {
        public readonly byte[] Bytes = GC.AllocateUninitializedArray<byte>(ChunkSize);
        public int End;
        public Chunk? Next;
    }
}
