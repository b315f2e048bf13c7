using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>
/// Keys that session tickets are sealed with: given ones, or self-made ones that change with time. One object may serve any number of
/// contexts, on all reactors, and outlive each: that is how sessions survive a new certificate.
/// </summary>
/// <remarks>
/// The first key seals, all of them open. A ticket that another than the first opened is renewed. Self-made keys seal for one period and
/// open for one more, so that a stolen process image opens no more than two periods of recorded traffic.
/// </remarks>
public sealed unsafe class TlsTicketKeys
{
    /// <summary>Octets of a given key: name 16, HMAC-SHA256 key 32, AES-256 key 32, as Envoy has them.</summary>
    public const int KeyBytes = 80;

    /// <summary>Given keys, at most. Count.</summary>
    public const int MaxKeys = 32;

    private const int NameBytes = 16;
    private const int HalfBytes = 32;

    private readonly Lock _rotation = new();
    private readonly TimeProvider? _time;
    private readonly TimeSpan _period;
    private byte[][] _keys;
    private long _madeAt;

    private TlsTicketKeys(byte[][] keys, TimeProvider? time, TimeSpan period)
    {
        _keys = keys;
        _time = time;
        _period = period;
    }

    /// <summary>Given keys, the sealing one first.</summary>
    /// <returns>Null and a text when a key has not <see cref="KeyBytes"/> octets, or there are none or too many.</returns>
    public static TlsTicketKeys? TryCreate(IReadOnlyList<ReadOnlyMemory<byte>> keys, out string? error)
    {
        ArgumentNullException.ThrowIfNull(keys);
        error = null;
        if (keys.Count is 0 or > MaxKeys)
            error = $"session ticket keys: between 1 and {MaxKeys} are needed, {keys.Count} were given";
        var taken = new byte[keys.Count][];
        for (var i = 0; i < keys.Count && error is null; i++)
        {
            taken[i] = keys[i].ToArray();
            if (taken[i].Length != KeyBytes)
                error = $"session ticket key {i}: {taken[i].Length} octets, must be {KeyBytes}";
        }

        return error is null ? new TlsTicketKeys(taken, null, default) : null;
    }

    /// <summary>Self-made keys that change each <paramref name="period"/>.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="period">At least as long as sessions live, or some end early. Null: 2 hours, OpenSSL's lifetime of a session.</param>
    public static TlsTicketKeys SelfMade(TimeProvider time, TimeSpan? period = null)
    {
        ArgumentNullException.ThrowIfNull(time);
        return new TlsTicketKeys([], time, period ?? TimeSpan.FromHours(2));
    }

    /// <summary>SSL_CTX_set_tlsext_ticket_key_evp_cb's contract: 1 go on, 2 go on and renew, 0 not ours, -1 failed.</summary>
    internal int Seal(byte* name, byte* initial, nint cipher, nint mac)
    {
        var keys = Current();
        if (keys.Length == 0 || LibCrypto.RandomBytes(initial, NameBytes) != 1)
            return -1;
        keys[0].AsSpan(0, NameBytes).CopyTo(new Span<byte>(name, NameBytes));
        return Begin(keys[0], initial, cipher, mac, seals: true) ? 1 : -1;
    }

    /// <inheritdoc cref="Seal"/>
    internal int Open(byte* name, byte* initial, nint cipher, nint mac)
    {
        var keys = Current();
        for (var i = 0; i < keys.Length; i++)
        {
            if (!keys[i].AsSpan(0, NameBytes).SequenceEqual(new ReadOnlySpan<byte>(name, NameBytes)))
                continue;
            if (!Begin(keys[i], initial, cipher, mac, seals: false))
                return -1;
            return i == 0 ? 1 : 2;
        }

        return 0;
    }

    private static bool Begin(byte[] key, byte* initial, nint cipher, nint mac, bool seals)
    {
        fixed (byte* start = key, keyName = "key\0"u8, digestName = "digest\0"u8, digest = "SHA256\0"u8)
        {
            var parameters = stackalloc LibCrypto.Parameter[3];
            parameters[0] = new() { Key = keyName, Kind = LibCrypto.ParameterOctets, Start = start + NameBytes, Bytes = HalfBytes };
            parameters[1] = new() { Key = digestName, Kind = LibCrypto.ParameterText, Start = digest, Bytes = 6 };
            parameters[2] = default;
            if (LibCrypto.SetMacParameters(mac, parameters) != 1)
                return false;
            var secret = start + NameBytes + HalfBytes;
            return 1 == (seals
                ? LibCrypto.InitializeEncryption(cipher, TicketCipher.Handle, 0, secret, initial)
                : LibCrypto.InitializeDecryption(cipher, TicketCipher.Handle, 0, secret, initial));
        }
    }

    private byte[][] Current()
    {
        if (_time is null)
            return _keys;
        // Tickets are few, a handful per handshake, and the lock is held for a comparison.
        lock (_rotation)
        {
            if (_keys.Length > 0 && _time.GetElapsedTime(_madeAt) < _period)
                return _keys;
            var isPreviousAlive = _keys.Length > 0 && _time.GetElapsedTime(_madeAt) < 2 * _period;
            var made = new byte[KeyBytes];
            fixed (byte* start = made)
            {
                if (LibCrypto.RandomBytes(start, KeyBytes) != 1)
                    return [];
            }

            _keys = isPreviousAlive ? [made, _keys[0]] : [made];
            _madeAt = _time.GetTimestamp();
            return _keys;
        }
    }

    /// <summary>The cipher of tickets, looked up once: by name it costs a search through OpenSSL's providers each time.</summary>
    private static class TicketCipher
    {
        internal static readonly nint Handle = Fetch();

        private static nint Fetch()
        {
            fixed (byte* name = "AES-256-CBC\0"u8)
                return LibCrypto.FetchCipher(0, name, null);
        }
    }
}
