using Lateen.Net;

namespace Lateen.Proxy.Tls;

/// <summary>What came of a TLS handshake.</summary>
/// <param name="Connection">The encrypted connection, which owns the plain one from now on; null when the handshake failed.</param>
/// <param name="IsTimeout">It was not done in time.</param>
/// <param name="Reason">
/// What <c>%DOWNSTREAM_TRANSPORT_FAILURE_REASON%</c> or <c>%UPSTREAM_TRANSPORT_FAILURE_REASON%</c> prints; empty on success.
/// </param>
public readonly record struct TlsOutcome(TransportConnection? Connection, bool IsTimeout, string Reason);
