using System.Diagnostics.CodeAnalysis;
using Lateen.Net;
using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Upstreams;

/// <summary>A connection to an endpoint, ready for the first byte of its protocol, or why there is none.</summary>
/// <param name="Connection">
/// The caller's to dispose; null on failure. A TLS connection tells the protocol that was agreed on by its session.
/// </param>
/// <param name="Failure">Why there is none; default on success.</param>
/// <param name="Reason">What <c>%UPSTREAM_TRANSPORT_FAILURE_REASON%</c> prints, as Envoy words it; empty on success and on a timeout.</param>
internal readonly record struct UpstreamConnectResult(TransportConnection? Connection, Failure Failure, string Reason)
{
    [MemberNotNullWhen(true, nameof(Connection))]
    public bool IsConnected => Connection is not null;

    /// <summary>The cluster's connect timeout ran out, while connecting or while shaking hands.</summary>
    public bool IsTimeout => Failure.Cause == FailureCause.ConnectTimeout;
}
