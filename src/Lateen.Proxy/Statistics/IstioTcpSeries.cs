using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>Istio's standard TCP metrics for one combination of labels.</summary>
public sealed class IstioTcpSeries : StatGroup
{
    internal static readonly StatSchema<IstioTcpSeries> Schema = new(static fields => new IstioTcpSeries(fields));

    private IstioTcpSeries(StatFields fields)
        : base(fields)
    {
        ConnectionsOpened = fields.Counter("istio_tcp_connections_opened_total");
        ConnectionsClosed = fields.Counter("istio_tcp_connections_closed_total");
        SentBytes = fields.Counter("istio_tcp_sent_bytes_total");
        ReceivedBytes = fields.Counter("istio_tcp_received_bytes_total");
    }

    public Counter ConnectionsOpened { get; }

    public Counter ConnectionsClosed { get; }

    /// <summary>Octets that clients were sent.</summary>
    public Counter SentBytes { get; }

    /// <summary>Octets that clients sent.</summary>
    public Counter ReceivedBytes { get; }
}
