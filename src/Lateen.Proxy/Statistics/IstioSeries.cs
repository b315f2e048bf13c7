using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>Istio's standard HTTP metrics for one combination of labels.</summary>
public sealed class IstioSeries : StatGroup
{
    internal static readonly StatSchema<IstioSeries> Schema = new(static fields => new IstioSeries(fields));

    private IstioSeries(StatFields fields)
        : base(fields)
    {
        Requests = fields.Counter("istio_requests_total");
        Duration = fields.Histogram("istio_request_duration_milliseconds");
        RequestBytes = fields.Histogram("istio_request_bytes");
        ResponseBytes = fields.Histogram("istio_response_bytes");
    }

    public Counter Requests { get; }

    /// <summary>Milliseconds.</summary>
    public Histogram Duration { get; }

    /// <summary>Octets of the request's body.</summary>
    public Histogram RequestBytes { get; }

    /// <summary>Octets of the response's body.</summary>
    public Histogram ResponseBytes { get; }
}
