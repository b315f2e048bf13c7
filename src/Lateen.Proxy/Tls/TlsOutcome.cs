using Lateen.Net;
using Lateen.Net.Tls;

namespace Lateen.Proxy.Tls;

/// <summary>What came of a TLS handshake.</summary>
/// <param name="Connection">The encrypted connection, which owns the plain one from now on; null when the handshake failed.</param>
/// <param name="IsTimeout">It was not done in time.</param>
/// <param name="Reason">
/// What <c>%DOWNSTREAM_TRANSPORT_FAILURE_REASON%</c> or <c>%UPSTREAM_TRANSPORT_FAILURE_REASON%</c> prints; empty on success.
/// </param>
public readonly record struct TlsOutcome(TransportConnection? Connection, bool IsTimeout, string Reason)
{
    private const string Prefix = "TLS_error:";

    /// <summary>A secret has not come.</summary>
    public static TlsOutcome NotReady { get; } = new(null, false, "TLS_error:Secret is not supplied by SDS");

    /// <summary>There was no time left for it.</summary>
    public static TlsOutcome TimedOut { get; } = new(null, true, string.Empty) { Failure = new TlsFailure(TlsFailureCause.TimedOut, "no time left") };

    /// <summary>What was agreed on; null when the handshake failed.</summary>
    public TlsSession? Session { get; init; }

    /// <summary>Why it failed; null on success.</summary>
    public TlsFailure? Failure { get; init; }

    /// <summary>As the transport tells it.</summary>
    internal static TlsOutcome Of(in TlsResult result) => result.Connection is { } connection
        ? new TlsOutcome(connection, false, string.Empty) { Session = connection.Session }
        : new TlsOutcome(null, result.Failure!.Cause == TlsFailureCause.TimedOut, Prefix + result.Failure.Text) { Failure = result.Failure };
}
