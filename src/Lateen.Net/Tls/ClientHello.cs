namespace Lateen.Net.Tls;

/// <summary>
/// What a client says in the clear before anything is agreed: the server that it wants, the protocols that it speaks. Filled by
/// <see cref="ClientHelloParser"/>, and meant to be used again for the next connection: it allocates only when a greeting comes in several
/// records, and then once.
/// </summary>
public sealed class ClientHello
{
    /// <summary>Longest server name. Octets, RFC 1035 2.3.4. A longer one makes the greeting malformed.</summary>
    public const int MaxServerNameBytes = 255;

    /// <summary>Octets of the list of application protocols, lengths included. Hit: the greeting is malformed. Real lists have under 100.</summary>
    public const int MaxAlpnBytes = 1024;

    private readonly byte[] _serverName = new byte[MaxServerNameBytes];
    private readonly byte[] _alpn = new byte[MaxAlpnBytes];
    private byte[] _joined = [];
    private int _serverNameLength;
    private int _alpnLength;

    /// <summary>The server name, lower case; empty when there is none. Printable ASCII without spaces.</summary>
    public ReadOnlySpan<byte> ServerName => _serverName.AsSpan(0, _serverNameLength);

    /// <summary>The application protocols in the client's order; empty when ALPN is not used.</summary>
    public AlpnList Alpn => new(_alpn.AsSpan(0, _alpnLength));

    /// <summary>The highest version up to TLS 1.3 that the client offers, as on the wire: 0x0303 for TLS 1.2.</summary>
    public int HighestVersion { get; internal set; }

    /// <summary>Octets of the greeting on the wire, record headers included.</summary>
    public int WireBytes { get; internal set; }

    internal void Clear()
    {
        _serverNameLength = 0;
        _alpnLength = 0;
        HighestVersion = 0;
        WireBytes = 0;
    }

    internal void SetServerName(ReadOnlySpan<byte> name)
    {
        System.Text.Ascii.ToLower(name, _serverName, out _serverNameLength);
    }

    internal void SetAlpn(ReadOnlySpan<byte> list)
    {
        list.CopyTo(_alpn);
        _alpnLength = list.Length;
    }

    /// <summary>Room to join a greeting that came in pieces.</summary>
    internal Span<byte> Joined(int length)
    {
        if (_joined.Length < length)
            _joined = new byte[ClientHelloParser.MaxBytes];
        return _joined.AsSpan(0, length);
    }

    /// <summary>A list of protocol names, each after its length in one octet; known to be well formed.</summary>
    public readonly ref struct AlpnList
    {
        private readonly ReadOnlySpan<byte> _bytes;

        internal AlpnList(ReadOnlySpan<byte> bytes) => _bytes = bytes;

        public bool IsEmpty => _bytes.IsEmpty;

        public bool Contains(ReadOnlySpan<byte> protocol)
        {
            foreach (var offered in this)
            {
                if (offered.SequenceEqual(protocol))
                    return true;
            }

            return false;
        }

        public Enumerator GetEnumerator() => new(_bytes);

        /// <summary>Goes through the names in order.</summary>
        public ref struct Enumerator
        {
            private ReadOnlySpan<byte> _rest;

            internal Enumerator(ReadOnlySpan<byte> bytes) => _rest = bytes;

            public ReadOnlySpan<byte> Current { get; private set; }

            public bool MoveNext()
            {
                if (_rest.IsEmpty)
                    return false;
                Current = _rest.Slice(1, _rest[0]);
                _rest = _rest[(1 + Current.Length)..];
                return true;
            }
        }
    }
}
