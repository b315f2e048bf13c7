using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>Istio's metrics of gRPC messages for one combination of labels; apart from the others, because most combinations have none.</summary>
public sealed class IstioMessageSeries : StatGroup
{
    internal static readonly StatSchema<IstioMessageSeries> Schema = new(static fields => new IstioMessageSeries(fields));

    private IstioMessageSeries(StatFields fields)
        : base(fields)
    {
        Requests = fields.Counter("istio_request_messages_total");
        Responses = fields.Counter("istio_response_messages_total");
    }

    /// <summary>Messages from the client.</summary>
    public Counter Requests { get; }

    /// <summary>Messages from the server.</summary>
    public Counter Responses { get; }
}
