using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>
/// Certificates, keys, trust and parameters, made ready once and shared by any number of connections on any reactor. Immutable.
/// </summary>
/// <remarks>
/// A context lives as long as somebody holds it or a connection of it is open. So a new one replaces an old one by changing a reference:
/// connections of the old one go on undisturbed, and its memory goes with the last of them. Nobody has to dispose one.
/// <see cref="Dispose"/> frees it with its last connection instead of at some later garbage collection; call it only when nobody can begin
/// a connection with it any more, such as a reactor that still reads the configuration before.
/// </remarks>
public abstract class TlsContext : IDisposable
{
    /// <summary>Peers' certificates remembered. Count, a power of 2. Hit: one takes the other's place. A mesh's peers come back again and again.</summary>
    private const int RememberedPeers = 32;

    private readonly TlsContextHandle _handle;
    private volatile bool _isDisposed;
    private readonly TlsCertificate?[] _peers = new TlsCertificate?[RememberedPeers];

    private protected TlsContext(TlsContextHandle handle, TlsOptions options, PeerVerifier verifier)
    {
        _handle = handle;
        Verifier = verifier;
        Alpn = [.. options.Alpn];
        Certificates = [.. handle.Certificates.Select(certificate => certificate.Details)];
    }

    /// <summary>Own certificates, leaves only, in the order of the options.</summary>
    public IReadOnlyList<TlsCertificate> Certificates { get; }

    internal AlpnProtocol[] Alpn { get; }

    internal PeerVerifier Verifier { get; }

    internal TlsContextHandle Handle => _handle;

    /// <summary>No more connections can be made. Those that are open go on. Idempotent, from any thread.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _handle.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A native connection, which holds the context until <see cref="Release"/>. Zero when the context was disposed.</summary>
    internal nint NewConnection()
    {
        if (_isDisposed)
            return 0;
        var isHeld = false;
        try
        {
            _handle.DangerousAddRef(ref isHeld);
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }

        var ssl = LibSsl.New(_handle.DangerousGetHandle());
        if (ssl == 0)
            _handle.DangerousRelease();
        return ssl;
    }

    internal void Release() => _handle.DangerousRelease();

    /// <summary>The context's certificate that a connection showed.</summary>
    internal TlsCertificate? FindCertificate(nint native)
    {
        foreach (var certificate in _handle.Certificates)
        {
            if (certificate.Certificate == native)
                return certificate.Details;
        }

        return null;
    }

    /// <summary>What a peer's certificate says; the same object for one that was seen lately.</summary>
    internal TlsCertificate PeerCertificateOf(nint native)
    {
        var der = CertificateReader.Encode(native);
        // The last octet is one of the signature, as good as random. Reactors race for a slot and each writes a whole reference.
        ref var slot = ref _peers[der[^1] & (RememberedPeers - 1)];
        var known = Volatile.Read(ref slot);
        if (known is not null && known.Der.Span.SequenceEqual(der))
            return known;
        known = CertificateReader.Read(native, der);
        Volatile.Write(ref slot, known);
        return known;
    }
}
