using Lateen.Telemetry.Statistics;

namespace Lateen.Telemetry.Tests.Statistics;

/// <summary>A group with one field of each kind.</summary>
internal sealed class ShopStats : StatGroup
{
    public static readonly StatSchema<ShopStats> Schema = new(static fields => new ShopStats(fields));

    private ShopStats(StatFields fields)
        : base(fields)
    {
        Visits = fields.Counter("visits_total");
        Open = fields.Gauge("doors.open");
        Stay = fields.Histogram("stay_ms");
        Classes = fields.StatusClasses("rq");
        Statuses = fields.Statuses("rq");
        Motto = fields.Text("motto");
    }

    public Counter Visits { get; }

    public Gauge Open { get; }

    public Histogram Stay { get; }

    public StatusClassCounters Classes { get; }

    public StatusCounters Statuses { get; }

    public TextReadout Motto { get; }

    public static ShopStats OpenFor(StatsRegistry registry, string cluster)
    {
        return Schema.Open(registry, StatScope.Cluster(cluster));
    }
}
