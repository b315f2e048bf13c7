using System.Runtime.CompilerServices;
using Lateen.Http;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Forwarding.Pools;

/// <summary>A cluster's connection options in the forms that pools use: parser, limits, plain milliseconds. Immutable.</summary>
internal sealed class UpstreamSettings
{
    private static readonly ConditionalWeakTable<ClusterSnapshot, UpstreamSettings> Known = [];

    private UpstreamSettings(ClusterSnapshot cluster)
    {
        UpstreamConnectionOptions options = cluster.Connections;
        Limits = new Http1Limits { MaxHeadOctets = checked((int)options.MaxResponseHeadersKb * 1024), MaxFields = (int)options.MaxResponseHeaders };
        Parser = new Http1ResponseParser(Limits);
        Http2 = options.Http2;
        EnableTrailers = options.EnableTrailers;
        BufferLimit = options.BufferLimitBytes;
        IdleMilliseconds = (long)(options.IdleTimeout?.TotalMilliseconds ?? 0);
        MaxDurationMilliseconds = (long)(options.MaxConnectionDuration?.TotalMilliseconds ?? 0);
        MaxRequests = options.MaxRequestsPerConnection;
    }

    public Http1Limits Limits { get; }

    public Http2Options Http2 { get; }

    /// <summary>HTTP/1.1 requests are sent with their trailers.</summary>
    public bool EnableTrailers { get; }

    public Http1ResponseParser Parser { get; }

    /// <summary>Octets of content that may wait on a connection.</summary>
    public uint BufferLimit { get; }

    /// <summary>0: an idle connection is kept for as long as the peer keeps it.</summary>
    public long IdleMilliseconds { get; }

    /// <summary>0: no limit.</summary>
    public long MaxDurationMilliseconds { get; }

    /// <summary>0: no limit.</summary>
    public uint MaxRequests { get; }

    /// <summary>Made once per cluster snapshot, by whichever reactor needs it first.</summary>
    public static UpstreamSettings Of(ClusterSnapshot cluster) => Known.GetValue(cluster, static key => new UpstreamSettings(key));
}
