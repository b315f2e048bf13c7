namespace Lateen.Net.Tls;

/// <summary>What a server speaks TLS with. See <see cref="TlsContext"/> for its lifetime.</summary>
public sealed class TlsServerContext : TlsContext
{
    /// <summary>Server names remembered as strings. Count, a power of 2. Hit: one takes the other's place. A listener sees few names.</summary>
    private const int RememberedNames = 64;

    private readonly string?[] _names = new string?[RememberedNames];

    private TlsServerContext(TlsContextHandle handle, TlsServerOptions options, TlsTicketKeys? ticketKeys)
        : base(handle, options, new PeerVerifier(options.Verification))
    {
        TicketKeys = ticketKeys;
        RequiresServerName = options.RequireServerName;
        RequiresAlpnMatch = options.RequireAlpnMatch;
    }

    internal TlsTicketKeys? TicketKeys { get; }

    internal bool RequiresServerName { get; }

    internal bool RequiresAlpnMatch { get; }

    /// <summary>
    /// Makes a context; reads keys and certificates, so it takes milliseconds: make it off the reactors. From any thread.
    /// </summary>
    public static TlsContextResult<TlsServerContext> Create(TlsServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var keys = options.AllowTickets ? options.TicketKeys ?? TlsTicketKeys.SelfMade(TimeProvider.System, options.SessionLifetime) : null;
        var handle = TlsContextBuilder.BuildServer(options, out var error);
        return handle is null ? new(null, error) : new(new TlsServerContext(handle, options, keys), null);
    }

    /// <summary>The lower-case string of a name that a client asked for; the same object for a name that was asked for lately.</summary>
    internal string ServerNameOf(ReadOnlySpan<byte> name)
    {
        Span<char> text = stackalloc char[ClientHello.MaxServerNameBytes];
        var length = Math.Min(name.Length, text.Length);
        System.Text.Ascii.ToLower(name[..length], text, out length);
        text = text[..length];
        // Reactors race for a slot; each writes a whole reference, and whoever loses made a string of its own.
        ref var slot = ref _names[string.GetHashCode(text) & (RememberedNames - 1)];
        var known = Volatile.Read(ref slot);
        if (known is not null && text.SequenceEqual(known))
            return known;
        known = text.ToString();
        Volatile.Write(ref slot, known);
        return known;
    }

    /// <summary>
    /// The certificates to show a client that asks for <paramref name="serverName"/>: the first of each kind of key that covers it best.
    /// Count 0: the default ones, which the native context has.
    /// </summary>
    internal int ChooseCertificates(string serverName, Span<int> chosen)
    {
        var best = 0;
        var count = 0;
        for (var i = 0; i < Handle.Certificates.Count; i++)
        {
            var match = Handle.Certificates[i].MatchOf(serverName);
            if (match == 0 || match < best)
                continue;
            if (match > best)
                (best, count) = (match, 0);
            if (count < chosen.Length && !HasKind(chosen[..count], Handle.Certificates[i].KeyKind))
                chosen[count++] = i;
        }

        return count;
    }

    private bool HasKind(ReadOnlySpan<int> chosen, int kind)
    {
        foreach (var index in chosen)
        {
            if (Handle.Certificates[index].KeyKind == kind)
                return true;
        }

        return false;
    }
}
