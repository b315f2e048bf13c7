using System.Net;
using System.Net.Security;
using Lateen.Identity;
using Lateen.Identity.Signing;

namespace Lateen.ControlPlane.Certificates;

/// <summary>
/// The control plane's own certificate: of the mesh's authority, renewed at half of its life and whenever the authority changes, its key in memory only.
/// Handshakes take the newest; connections go on with what they began with.
/// </summary>
internal sealed class ServerCertificate
{
    private static readonly ServerNames Names = new(["localhost", "lateen.lateen-system.svc", "istiod.istio-system.svc"], [IPAddress.Loopback]);

    private readonly IMeshAuthority _authority;
    private readonly TimeProvider _time;
    private SslStreamCertificateContext _context;
    private DateTimeOffset _renewAt;

    /// <exception cref="IOException">The authority cannot sign.</exception>
    public ServerCertificate(IMeshAuthority authority, TimeProvider time)
    {
        _authority = authority;
        _time = time;
        Identity = SpiffeId.Create(authority.Bundle.TrustDomains[0], "lateen-system", "lateen");
        if (!TryMake(out var made, out string? reason)) throw new IOException($"the control plane gets no certificate of its own: {reason}");
        _context = made;
    }

    /// <summary>Whom proxies connect to.</summary>
    public SpiffeId Identity { get; }

    /// <summary>What a handshake shows now.</summary>
    public SslStreamCertificateContext Context => Volatile.Read(ref _context);

    /// <summary>Renews when it is time, or at once.</summary>
    /// <returns>Why it could not, for the log; null otherwise. The old one then serves on.</returns>
    public string? Renew(bool atOnce)
    {
        if (!atOnce && _time.GetUtcNow() < _renewAt) return null;
        if (!TryMake(out var made, out string? reason)) return reason;
        Volatile.Write(ref _context, made);
        return null;
    }

    private bool TryMake([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SslStreamCertificateContext? context, out string? reason)
    {
        context = null;
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        if (!SigningRequest.TryRead(key.CreateRequest(Identity), out var request, out reason)) return false;
        var now = _time.GetUtcNow();
        if (!_authority.TryIssueServer(request.PublicKey, Identity, Names, LeafLifetime.Default, out var certificate, out reason)) return false;
        _renewAt = now + (certificate.NotAfter - now) / 2;
        // Not disposed: a handshake may still be using the one before.
        context = SslStreamCertificateContext.Create(key.Attach(certificate.Leaf), [.. certificate.Chain.AsSpan()[1..]], offline: true);
        return true;
    }
}
