using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Forwarding;

/// <summary>What is counted and written down of an exchange, at its beginning, after each attempt and at its end.</summary>
internal static class ExchangeTally
{
    public static void Begin(HttpExchange exchange, DownstreamConnection connection, long startedAt)
    {
        HttpConnectionProfile profile = exchange.Profile;
        ProxyWorker worker = connection.Worker;
        ExchangeRecord record = exchange.Record;
        record.Begin(connection, profile, worker.NextExchangeId(), startedAt, worker.WallMicroseconds() - (worker.Reactor.NowMicroseconds - startedAt));
        record.RequestHeadBytes = exchange.Request.WireOctets;
        StatShard shard = worker.Shard;
        shard.Increment(profile.Stats.RequestTotal);
        shard.Increment(exchange.Request.Protocol == HttpProtocol.Http2 ? profile.Stats.RequestHttp2Total : profile.Stats.RequestHttp1Total);
        shard.Increment(profile.Stats.RequestActive);
    }

    /// <summary>The exchange has become a tunnel.</summary>
    public static void BeginTunnel(ProxyWorker worker, HttpConnectionProfile profile)
    {
        worker.Shard.Increment(profile.Stats.ConnectionUpgradesTotal);
        worker.Shard.Increment(profile.Stats.ConnectionUpgradesActive);
    }

    /// <summary>A response came after retries; perhaps one that would have been tried again had there been attempts left.</summary>
    public static void CountRetried(ProxyWorker worker, HttpExchange exchange, bool isExhausted)
    {
        ClusterStats stats = worker.StatsOf(exchange.Record.Cluster!);
        if (exchange.Response.Status < 500)
        {
            worker.Shard.Increment(stats.RetrySuccess);
        }
        else if (isExhausted)
        {
            worker.Shard.Increment(stats.RetryLimitExceeded);
            exchange.Record.Flags |= ResponseFlags.UpstreamRetryLimitExceeded;
        }
    }

    /// <summary>An attempt that was given to an endpoint has ended.</summary>
    public static void EndAttempt(ProxyWorker worker, HttpExchange exchange, ClusterSnapshot cluster)
    {
        ClusterStats stats = worker.StatsOf(cluster);
        StatShard shard = worker.Shard;
        ExchangeRecord record = exchange.Record;
        int status = record.LastAttempt.Status;
        if (status == 0) return;
        shard.Increment(stats.RequestCompleted);
        shard.Increment(stats.Classes.For(status));
        shard.Increment(stats.Statuses.For(status));
        if (record.ResponseEndedAt >= 0) shard.Record(stats.RequestTime, (record.ResponseEndedAt - record.StartedAt) / 1000);
        if (exchange.IsInternal)
        {
            shard.Increment(stats.InternalCompleted);
            shard.Increment(stats.InternalClasses.For(status));
        }
        else
        {
            shard.Increment(stats.ExternalCompleted);
            shard.Increment(stats.ExternalClasses.For(status));
        }
    }

    /// <summary>An attempt failed without a response.</summary>
    public static void CountReset(ProxyWorker worker, ClusterSnapshot cluster, Failure failure)
    {
        ClusterStats stats = worker.StatsOf(cluster);
        // The connection counts for itself that it was broken.
        if (failure.Cause is FailureCause.PeerClosed or FailureCause.ConnectionBroken or FailureCause.StreamRefused or FailureCause.StreamReset) worker.Shard.Increment(stats.RequestReceivedReset);
        else if (failure.Cause is FailureCause.Malformed or FailureCause.UpgradeRefused) worker.Shard.Increment(stats.ProtocolError);
    }

    /// <summary>The last byte is sent, or nothing more will be.</summary>
    public static void Finish(ProxyWorker worker, HttpExchange exchange, HttpConnectionProfile profile)
    {
        ExchangeRecord record = exchange.Record;
        record.EndedAt = worker.Reactor.NowMicroseconds;
        StatShard shard = worker.Shard;
        HttpConnectionManagerStats stats = profile.Stats;
        shard.Decrement(stats.RequestActive);
        if (exchange.IsTunnel) shard.Decrement(stats.ConnectionUpgradesActive);
        if (record.ResponseStatus > 0)
        {
            shard.Increment(stats.RequestCompleted);
            if (record.RequestEndedAt < 0) shard.Increment(stats.RequestResponseBeforeComplete);
            shard.Increment(stats.Classes.For(record.ResponseStatus));
            shard.Increment(profile.ListenerHttpStats.Completed);
            shard.Increment(profile.ListenerHttpStats.Classes.For(record.ResponseStatus));
            shard.Record(stats.RequestTime, record.DurationMilliseconds);
        }

        if ((record.Flags & (ResponseFlags.DownstreamConnectionTermination | ResponseFlags.DownstreamRemoteReset)) != 0
            || record.Failure is { Side: FailureSide.Downstream, Cause: FailureCause.ConnectionBroken })
        {
            shard.Increment(stats.RequestReceivedReset);
        }

        RouteStats.Count(exchange, worker.Statistics.Registry);
        foreach (HttpFilter filter in profile.CompleteFilters) filter.OnComplete(exchange);
        foreach (AccessLogger log in profile.AccessLogs) log.Write(exchange);
    }
}
