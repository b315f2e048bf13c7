using System.Net;
using System.Text;
using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Tests.Statistics;

/// <summary>An exchange as filters and logs see it, without an engine around it.</summary>
internal sealed class TestExchange
{
    private long _ids;

    public TestExchange(TrafficDirection direction = TrafficDirection.Outbound)
    {
        Statistics = new ProxyStatistics(new StatsRegistry(), reactorCount: 1);
        Exchange = new HttpExchange { ReactorIndex = 0, Shard = Statistics.ShardOf(0) };
        var chain = new FilterChainSnapshot
        {
            Name = "chain",
            HttpConnectionManager = new HttpConnectionManagerSnapshot { StatPrefix = "test", HttpFilters = [] },
        };
        var listener = new ListenerSnapshot
        {
            Name = "listener",
            Address = new IPEndPoint(IPAddress.Loopback, 0),
            StatPrefix = "listener",
            Direction = direction,
            FilterChains = [chain],
        };
        Exchange.Attach(new HttpConnectionProfile(listener, chain, new ListenerScope(), Statistics));
    }

    public ProxyStatistics Statistics { get; }

    public HttpExchange Exchange { get; }

    public static ClusterSnapshot Cluster(string name, ServiceIdentity? service = null) => new()
    {
        Reference = new ClusterDirectory().Reference(name),
        StatName = name,
        State = new ClusterState(name, 1),
        Discovery = ClusterDiscovery.Static,
        Algorithm = LoadBalancingAlgorithm.RoundRobin,
        LoadBalancer = new NoLoadBalancer(),
        Service = service,
    };

    public static EndpointSnapshot Endpoint(string? workload = null) => new()
    {
        State = new EndpointState("cluster", IPEndPoint.Parse("127.0.0.1:9080"), 1),
        Workload = workload is null ? null : WorkloadIdentity.Parse(workload),
    };

    /// <summary>A request and its answer, up to the moment when filters are told that it is over.</summary>
    public TestExchange Served(
        int status = 200, ClusterSnapshot? cluster = null, EndpointSnapshot? endpoint = null, ResponseFlags flags = ResponseFlags.None,
        string authority = "reviews:9080")
    {
        Exchange.End();
        Exchange.Request.Reset();
        Exchange.Request.SetMethod(RequestMethod.Get);
        Exchange.Request.SetPathAndQuery("/reviews/7"u8);
        Span<byte> host = stackalloc byte[256];
        Exchange.Request.SetAuthority(host[..Encoding.ASCII.GetBytes(authority, host)]);
        Exchange.Response.SetStatus(status);
        var record = Exchange.Record;
        record.ExchangeId = ++_ids;
        record.StartedAt = 1_000_000;
        record.EndedAt = 1_007_000;
        record.BytesReceived = 12;
        record.BytesSent = 345;
        record.ResponseStatus = status;
        record.Cluster = cluster;
        record.Endpoint = endpoint;
        record.Flags = flags;
        return this;
    }

    public void Pass(params HttpFilter[] filters)
    {
        foreach (var filter in filters.Where(static one => one.Stages.HasFlag(FilterStages.Request))) filter.OnRequest(Exchange);
        foreach (var filter in filters.Where(static one => one.Stages.HasFlag(FilterStages.Response))) filter.OnResponse(Exchange);
        foreach (var filter in filters.Where(static one => one.Stages.HasFlag(FilterStages.Complete))) filter.OnComplete(Exchange);
    }

    private sealed class NoLoadBalancer() : LoadBalancer([])
    {
        public override EndpointSnapshot? Choose(int reactorIndex, ReactorRandom random) => null;
    }
}
