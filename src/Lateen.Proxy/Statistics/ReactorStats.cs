using Lateen.Net;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>
/// What one reactor counts that an operator may have to act on: <c>listener_manager.worker_N.*</c>, where Envoy has the statistics of its workers. The fields
/// are ours: Envoy has none for them.
/// </summary>
public sealed class ReactorStats : StatGroup
{
    private static readonly StatSchema<ReactorStats> Schema = new(static fields => new ReactorStats(fields));

    private ReactorStats(StatFields fields)
        : base(fields)
    {
        OpenConnections = fields.Gauge("open_connections");
        Accepted = fields.Gauge("accepted");
        AcceptBackoff = fields.Gauge("accept_backoff");
        AcceptAborted = fields.Gauge("accept_aborted");
        AcceptFailed = fields.Gauge("accept_failed");
        UnhandledExceptions = fields.Gauge("unhandled_exceptions");
        Turns = fields.Gauge("loop_turns");
        StaleEvents = fields.Gauge("stale_events");
    }

    /// <summary>Sockets open now, accepted and connected.</summary>
    public Gauge OpenConnections { get; }

    public Gauge Accepted { get; }

    /// <summary>Times that a listener paused because a table was full: descriptors (<c>ulimit -n</c>) or the kernel's memory.</summary>
    public Gauge AcceptBackoff { get; }

    /// <summary>Clients that were gone before they were accepted.</summary>
    public Gauge AcceptAborted { get; }

    /// <summary>Errors of accept that ended a listener.</summary>
    public Gauge AcceptFailed { get; }

    /// <summary>Exceptions that reached the edge of a turn: each is a bug. <c>server.envoy_bug_failures</c> has the sum.</summary>
    public Gauge UnhandledExceptions { get; }

    /// <summary>Rounds of the event loop.</summary>
    public Gauge Turns { get; }

    /// <summary>Events for connections that were closed within the same turn. Normal life.</summary>
    public Gauge StaleEvents { get; }

    /// <summary>Opens the group of a reactor.</summary>
    public static ReactorStats Open(StatsRegistry registry, int reactorIndex) =>
        Schema.Open(registry, new StatScope($"listener_manager.worker_{reactorIndex}.", "envoy_listener_manager_", [new StatTag("envoy_worker_id", $"worker_{reactorIndex}")]));

    /// <summary>Shows the counts of this moment. They are kept by the reactor, so /reset_counters leaves them alone: hence gauges.</summary>
    public void Publish(SharedStatShard shared, ReactorCountersSnapshot counts)
    {
        shared.Set(OpenConnections, counts.OpenConnections);
        shared.Set(Accepted, counts.Accepted);
        shared.Set(AcceptBackoff, counts.AcceptPressureErrors);
        shared.Set(AcceptAborted, counts.AcceptTransientErrors);
        shared.Set(AcceptFailed, counts.AcceptFatalErrors);
        shared.Set(UnhandledExceptions, counts.UnhandledExceptions);
        shared.Set(Turns, counts.Turns);
        shared.Set(StaleEvents, counts.StaleEvents);
    }
}
