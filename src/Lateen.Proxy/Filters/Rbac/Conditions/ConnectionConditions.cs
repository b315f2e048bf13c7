using System.Net;
using System.Text;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>Which address of a connection is meant.</summary>
internal enum AddressSubject
{
    /// <summary><c>destination_ip</c></summary>
    Local,

    /// <summary><c>direct_remote_ip</c></summary>
    DirectRemote,

    /// <summary><c>source_ip</c></summary>
    ConnectionRemote,

    /// <summary><c>remote_ip</c></summary>
    Remote,
}

/// <summary>An address is in a range. One on a unix socket is in none.</summary>
internal sealed class AddressCondition(AddressSubject address, AddressRange range) : Condition
{
    public override int Cost => 4;

    public override bool IsMatch(in AuthorizationSubject subject) => range.Contains(address switch
    {
        AddressSubject.Local => (subject.Local as IPEndPoint)?.Address,
        AddressSubject.DirectRemote => (subject.DirectRemote as IPEndPoint)?.Address,
        AddressSubject.ConnectionRemote => (subject.ConnectionRemote as IPEndPoint)?.Address,
        _ => subject.ToldRemote ?? (subject.ConnectionRemote as IPEndPoint)?.Address,
    });
}

/// <summary>The port that the client connected to lies from the first (inclusive) to the end (exclusive).</summary>
internal sealed class PortCondition(int first, int end) : Condition
{
    public override int Cost => 1;

    public override bool IsMatch(in AuthorizationSubject subject) => subject.Local is IPEndPoint { Port: var port } && port >= first && port < end;
}

/// <summary>
/// The name that the client asked for in its TLS greeting. Names of hosts have no case (RFC 6066 section 3), so both sides are compared in
/// lower case; no greeting counts as the empty name, and what can be no host's name is in doubt.
/// </summary>
internal sealed class ServerNameCondition(BytePredicate name, bool whenInDoubt) : Condition
{
    /// <summary>Longest name that DNS knows. Octets; a longer one is no host's.</summary>
    private const int MaxNameOctets = 255;

    public override int Cost => 6;

    public override bool IsMatch(in AuthorizationSubject subject)
    {
        if (string.IsNullOrEmpty(subject.ServerName)) return name.IsMatch(default);
        if (subject.ServerName.Length > MaxNameOctets) return whenInDoubt;
        Span<byte> lower = stackalloc byte[MaxNameOctets];
        if (Ascii.ToLower(subject.ServerName, lower, out int length) != System.Buffers.OperationStatus.Done) return whenInDoubt;
        return name.IsMatch(lower[..length].TrimEnd((byte)'.'));
    }
}

/// <summary><c>authenticated</c>: the peer has a verified certificate, and one of its names is as wanted.</summary>
/// <remarks>
/// Names in Envoy's order: each URI name, each DNS name, the subject. Unlike Envoy, TLS without a client certificate authenticates nobody.
/// </remarks>
internal sealed class AuthenticatedCondition(BytePredicate? name, byte[]? exact = null) : Condition
{
    public override IReadOnlyList<byte[]>? ExactNames => exact is null ? null : [exact];

    public override int Cost => name is null ? 1 : 5;

    public override bool IsMatch(in AuthorizationSubject subject)
    {
        if (subject.Peer is not { } peer) return false;
        if (name is null) return true;
        foreach (ReadOnlyMemory<byte> uri in peer.Uris)
        {
            if (name.IsMatch(uri.Span)) return true;
        }

        foreach (ReadOnlyMemory<byte> host in peer.HostNames)
        {
            if (name.IsMatch(host.Span)) return true;
        }

        return name.IsMatch(peer.Subject.Span);
    }
}

/// <summary><c>filter_state</c> of <c>io.istio.peer_principal</c>: a URI name of the peer's verified certificate, nothing else.</summary>
internal sealed class PeerPrincipalCondition(BytePredicate name, byte[]? exact) : Condition
{
    public override IReadOnlyList<byte[]>? ExactNames => exact is null ? null : [exact];

    public override int Cost => 5;

    public override bool IsMatch(in AuthorizationSubject subject)
    {
        if (subject.Peer is not { } peer) return false;
        foreach (ReadOnlyMemory<byte> uri in peer.Uris)
        {
            if (name.IsMatch(uri.Span)) return true;
        }

        return false;
    }
}
