using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>What becomes of the workload's certificate: <c>identity.*</c>. Ours, not Envoy's.</summary>
public sealed class IdentityStats : StatGroup
{
    private static readonly StatSchema<IdentityStats> Schema = new(static fields => new IdentityStats(fields));

    private IdentityStats(StatFields fields)
        : base(fields)
    {
        Issued = fields.Counter("certificate_issued");
        Failed = fields.Counter("certificate_failed");
        Refused = fields.Counter("certificate_refused");
        SecondsLeft = fields.Gauge("certificate_expiry_seconds");
    }

    /// <summary>Certificates that were taken into use.</summary>
    public Counter Issued { get; }

    /// <summary>Attempts that ended without one, refusals among them.</summary>
    public Counter Failed { get; }

    /// <summary>Of these, those to which the authority said no.</summary>
    public Counter Refused { get; }

    /// <summary>Until the certificate in use ends; 0 when there is none or it has ended.</summary>
    public Gauge SecondsLeft { get; }

    public static IdentityStats Open(StatsRegistry registry) => Schema.Open(registry, new StatScope("identity.", "lateen_identity_", []));
}
