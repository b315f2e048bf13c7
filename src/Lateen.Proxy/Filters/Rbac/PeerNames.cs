using System.Collections.Immutable;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>
/// The names that a verified client certificate gives its holder, as the bytes that rules compare: URI names (a workload's SPIFFE id), DNS
/// names, subject in RFC 2253 form.
/// </summary>
internal readonly record struct PeerNames(
    ImmutableArray<ReadOnlyMemory<byte>> Uris, ImmutableArray<ReadOnlyMemory<byte>> HostNames, ReadOnlyMemory<byte> Subject)
{
    /// <summary>Null when the peer showed no certificate, or one whose chain was not verified: an unverified name is no name.</summary>
    public static PeerNames? Of(DownstreamPeer peer) => peer.IsVerified ? new PeerNames(peer.UriSans, peer.DnsSans, peer.Subject) : null;
}
