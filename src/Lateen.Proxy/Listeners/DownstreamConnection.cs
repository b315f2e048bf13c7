using System.Net;
using System.Text;
using Lateen.Net;
using Lateen.Net.Tls;
using Lateen.Proxy.Listeners.Chains;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Listeners;

/// <summary>A client's connection: who is at its other end and under which rules it was taken. What a request inherits from its connection.</summary>
/// <remarks>Owned by one reactor. Facts that cost something to find are found when the first request wants them.</remarks>
internal sealed class DownstreamConnection(ProxyWorker worker, TransportConnection transport, HttpConnectionProfile profile, ConnectionFacts? facts)
{
    private byte[]? _remoteAddressText;
    private DownstreamPeer? _peer;
    private byte[]? _forwardedCertificate;
    private HttpConnectionProfile? _forwardedBy;

    public ProxyWorker Worker { get; } = worker;

    public TransportConnection Transport { get; } = transport;

    /// <summary>What the TLS handshake agreed on; null on a plain connection.</summary>
    public TlsSession? Tls { get; } = (transport as TlsConnection)?.Session;

    /// <summary>Who the handshake proved the client to be.</summary>
    public DownstreamPeer Peer => _peer ??= DownstreamPeer.Of(Tls);

    /// <summary>Of the chain that the connection was taken by: how it is read, how long it may last, and where it is counted.</summary>
    public HttpConnectionProfile Profile { get; } = profile;

    public long Id { get; } = worker.NextConnectionId();

    public long OpenedAt { get; } = worker.Reactor.NowMilliseconds;

    /// <summary>The peer's address; null on a unix socket.</summary>
    public IPAddress? RemoteAddress { get; } = (transport.RemoteEndPoint as IPEndPoint)?.Address;

    /// <summary>The peer's address as <c>x-forwarded-for</c> shows it; empty on a unix socket.</summary>
    public ReadOnlySpan<byte> RemoteAddressText => _remoteAddressText ??= Text(RemoteAddress);

    /// <summary>The peer's address is internal, by the rules of a request.</summary>
    public bool IsFromInside(HttpConnectionProfile rules) =>
        RemoteAddress is { } address ? rules.IsInternal(address) : rules.Manager.ClientAddress.UnixSocketsAreInternal;

    /// <summary>The client's certificate as <c>x-forwarded-client-cert</c> tells of it by the rules of a request; empty when none was verified.</summary>
    public ReadOnlySpan<byte> ForwardedCertificate(HttpConnectionProfile rules)
    {
        if (_forwardedBy == rules) return _forwardedCertificate;
        _forwardedBy = rules;
        return _forwardedCertificate = ForwardedCertificateText.Of(Tls, Transport as TlsConnection, rules.Manager.ClientCertificateFields);
    }

    /// <summary>
    /// The rules for a request that begins now. When the listener was updated they are those of its newest version, so that a policy holds from the moment
    /// at which it is acknowledged, on connections that are older than it too; the connection itself comes to its end with that request. Where the newest
    /// version has no chain of HTTP for such a connection, with TLS or without as it is, the request is still served by the rules of
    /// <see cref="Profile"/>: to close the connection under it would lose a request that may be on its way.
    /// </summary>
    /// <remarks>Read once per request.</remarks>
    public HttpConnectionProfile ProfileForRequest()
    {
        if (Profile.Scope.Newest is not { } version) return Profile;
        bool isEncrypted = Tls is not null;
        return version.Chains.Find(facts ?? new ConnectionFacts(Transport)) is { Http: { } http } chain && chain.Snapshot.DownstreamTls is not null == isEncrypted
            ? http
            : Profile;
    }

    private static byte[] Text(IPAddress? address)
    {
        if (address is null) return [];
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return Encoding.ASCII.GetBytes(address.ToString());
    }
}
