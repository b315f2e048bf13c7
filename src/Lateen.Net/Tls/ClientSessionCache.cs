using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>
/// Sessions of a client context, by server name, the most recently used first. Shared by the reactors: its lock is taken once per handshake
/// and once per ticket.
/// </summary>
internal sealed class ClientSessionCache
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Entry> _entries = new();
    private readonly int _max;
    private bool _isClosed;

    internal ClientSessionCache(int max) => _max = max;

    /// <summary>Count of sessions held.</summary>
    internal int Count
    {
        get
        {
            lock (_lock)
                return _entries.Count;
        }
    }

    /// <summary>
    /// Takes a session for the server out of the cache, the caller's to free; 0 when there is none. Taken out, since a ticket of TLS 1.3 that
    /// is used twice lets an observer link the two connections (RFC 8446 C.4); one of TLS 1.2 comes back when the connection stands.
    /// </summary>
    internal nint Take(string serverName)
    {
        lock (_lock)
        {
            for (var node = _entries.First; node is not null; node = node.Next)
            {
                if (node.Value.ServerName != serverName)
                    continue;
                _entries.Remove(node);
                return node.Value.Session;
            }

            return 0;
        }
    }

    /// <summary>Takes over a session. False when it is not wanted; then it stays the caller's.</summary>
    internal bool Add(string serverName, nint session)
    {
        nint evicted = 0;
        lock (_lock)
        {
            if (_isClosed || _max == 0)
                return false;
            _entries.AddFirst(new Entry(serverName, session));
            if (_entries.Count > _max)
            {
                evicted = _entries.Last!.Value.Session;
                _entries.RemoveLast();
            }
        }

        LibSsl.FreeSession(evicted);
        return true;
    }

    /// <summary>Frees all; what comes later is refused.</summary>
    internal void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            foreach (var entry in _entries)
                LibSsl.FreeSession(entry.Session);
            _entries.Clear();
        }
    }

    private readonly record struct Entry(string ServerName, nint Session);
}
