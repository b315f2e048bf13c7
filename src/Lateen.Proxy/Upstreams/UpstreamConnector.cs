using System.Net;
using System.Runtime.CompilerServices;
using Lateen.Net;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.Pools;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.ProxyProtocol;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Upstreams;

/// <summary>
/// Opens connections to endpoints, for HTTP pools and TCP proxying alike: connect, PROXY header, TLS handshake, all within the cluster's
/// connect timeout.
/// </summary>
/// <remarks>Counts handshakes, and nothing else: budgets and other statistics are the caller's, who knows what the connection is for.</remarks>
internal static class UpstreamConnector
{
    /// <summary>Opens a connection. On the reactor that will own it.</summary>
    /// <param name="reactor">The owner.</param>
    /// <param name="cluster">Whose options apply.</param>
    /// <param name="endpoint">Where to.</param>
    /// <param name="client">Whose connection this one stands for, for the PROXY header; null: the proxy's own.</param>
    /// <param name="clientDestination">Where that client connected to.</param>
    /// <param name="greeting">What a TLS handshake takes from the traffic.</param>
    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    public static async ValueTask<UpstreamConnectResult> ConnectAsync(
        Reactor reactor, ClusterSnapshot cluster, EndpointSnapshot endpoint, EndPoint? client = null, EndPoint? clientDestination = null,
        UpstreamGreeting greeting = default)
    {
        UpstreamTls? tls = cluster.TlsTo(endpoint);
        if (tls is { IsReady: false })
        {
            cluster.State.TlsTally?.Count(reactor.Index, TlsOutcome.NotReady);
            return Failed(FailureCause.ConnectFailed, TlsOutcome.NotReady.Reason);
        }

        long startedAt = reactor.NowMilliseconds;
        ConnectOptions options = UpstreamSocketOptions.Of(cluster);
        ConnectResult plain = await TransportConnector.ConnectAsync(reactor, TransportAddress.Of(endpoint.State.Address), options);
        if (!plain.IsConnected)
        {
            return plain.Error == TransportError.TimedOut
                ? Failed(FailureCause.ConnectTimeout, string.Empty)
                : Failed(FailureCause.ConnectFailed, ConnectFailureText.Of(plain.Error));
        }

        TransportConnection connection = plain.Connection;
        ProxyProtocolVersion? announced = endpoint.Transport is { } own ? own.ProxyProtocol : cluster.ProxyProtocol;
        if (announced is { } version && !TrySendProxyHeader(connection, version, client, clientDestination))
        {
            connection.Abort();
            return Failed(FailureCause.ConnectFailed, ConnectFailureText.Of(TransportError.ConnectionReset));
        }

        if (tls is null) return new UpstreamConnectResult(connection, default, string.Empty);
        long left = (long)options.Timeout.TotalMilliseconds - (reactor.NowMilliseconds - startedAt);
        TlsOutcome outcome = left > 0 ? await tls.ConnectAsync(connection, endpoint, greeting, left) : TlsOutcome.TimedOut;
        cluster.State.TlsTally?.Count(reactor.Index, outcome);
        if (outcome.Connection is { } encrypted) return new UpstreamConnectResult(encrypted, default, string.Empty);
        connection.Abort();
        return outcome.IsTimeout
            ? Failed(FailureCause.ConnectTimeout, outcome.Reason)
            : Failed(FailureCause.ConnectFailed, outcome.Reason);
    }

    private static bool TrySendProxyHeader(TransportConnection connection, ProxyProtocolVersion version, EndPoint? client, EndPoint? destination)
    {
        Span<byte> header = stackalloc byte[ProxyHeaderWriter.MaxOctets];
        ReadOnlySpan<byte> text = header[..ProxyHeaderWriter.Write(version, client, destination, header)];
        // A socket that has just connected has room for a hundred octets; one that has not is of no use.
        return connection.Write(text) is { IsOk: true } result && result.Bytes == text.Length;
    }

    private static UpstreamConnectResult Failed(FailureCause cause, string reason) =>
        new(null, Failure.Upstream(FailurePhase.Connect, cause), reason);
}
