namespace Lateen.Http;

/// <summary>Streams that have content for which no window is open, in the order in which they asked. Kept in the streams themselves.</summary>
internal struct BlockedStreams
{
    private Http2Stream? _first;
    private Http2Stream? _last;

    /// <summary>How many they are.</summary>
    internal int Count { get; private set; }

    /// <summary>The one that waits longest; null when none does.</summary>
    internal readonly Http2Stream? First => _first;

    internal void Add(Http2Stream stream)
    {
        if (stream.IsBlocked) return;
        stream.IsBlocked = true;
        Count++;
        stream.PreviousBlocked = _last;
        if (_last is null) _first = stream;
        else _last.NextBlocked = stream;
        _last = stream;
    }

    internal void Remove(Http2Stream stream)
    {
        if (!stream.IsBlocked) return;
        if (stream.PreviousBlocked is null) _first = stream.NextBlocked;
        else stream.PreviousBlocked.NextBlocked = stream.NextBlocked;
        if (stream.NextBlocked is null) _last = stream.PreviousBlocked;
        else stream.NextBlocked.PreviousBlocked = stream.PreviousBlocked;
        stream.IsBlocked = false;
        Count--;
        stream.NextBlocked = null;
        stream.PreviousBlocked = null;
    }
}
