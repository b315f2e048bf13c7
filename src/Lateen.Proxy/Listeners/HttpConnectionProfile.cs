using System.Collections.Immutable;
using System.Net;
using System.Text;
using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Statistics;

namespace Lateen.Proxy.Listeners;

/// <summary>
/// A filter chain's HTTP options in the forms that the request path uses: parser, header bytes, filters by stage, plain milliseconds, bound
/// counters. Made once per listener snapshot, shared by all reactors.
/// </summary>
/// <remarks>Immutable.</remarks>
internal sealed class HttpConnectionProfile
{
    private static readonly ImmutableArray<IPNetwork> PrivateRanges =
    [
        IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"), IPNetwork.Parse("127.0.0.0/8"),
        IPNetwork.Parse("fc00::/7"), IPNetwork.Parse("::1/128"),
    ];

    /// <summary>How long a client may take nothing of what waits for it where the configuration names no idle time of streams: Envoy's default for that.</summary>
    private const long DefaultFlushMilliseconds = 5 * 60_000;

    /// <summary>How long a request's head may take where the configuration names no time that would end it.</summary>
    private const long DefaultHeadMilliseconds = 60_000;

    private readonly ImmutableArray<IPNetwork> _internalRanges;

    public HttpConnectionProfile(ListenerSnapshot listener, FilterChainSnapshot chain, ListenerScope scope, ProxyStatistics statistics)
    {
        Listener = listener;
        Scope = scope;
        FilterChain = chain;
        Manager = chain.HttpConnectionManager ?? throw new ArgumentException("The chain is not one of HTTP.", nameof(chain));
        HttpConnectionManagerSnapshot manager = Manager;
        Limits = new Http1Limits { MaxHeadOctets = checked((int)manager.Limits.MaxHeadersKb * 1024), MaxFields = (int)manager.Limits.MaxHeaders };
        RequestOptions = OptionsOf(manager, Limits);
        Parser = new Http1RequestParser(RequestOptions);

        HttpFilter[] filters = [.. manager.HttpFilters.OfType<HttpFilter>().Select(filter => filter.Counting(manager.StatPrefix, statistics.Registry))];
        RequestFilters = [.. filters.Where(static filter => filter.Stages.HasFlag(FilterStages.Request))];
        ResponseFilters = [.. filters.Where(static filter => filter.Stages.HasFlag(FilterStages.Response)).Reverse()];
        RequestContentFilters = [.. filters.Where(static filter => filter.Stages.HasFlag(FilterStages.RequestContent))];
        ResponseContentFilters = [.. filters.Where(static filter => filter.Stages.HasFlag(FilterStages.ResponseContent)).Reverse()];
        CompleteFilters = [.. filters.Where(static filter => filter.Stages.HasFlag(FilterStages.Complete)).Reverse()];
        Router = filters.OfType<RouterFilter>().LastOrDefault() ?? RouterFilter.Default;
        AccessLogs = [.. manager.AccessLogs.OfType<AccessLogger>()];
        Server = Encoding.Latin1.GetBytes(manager.ServerName);
        Via = Encoding.Latin1.GetBytes(manager.Via);
        _internalRanges = manager.ClientAddress.InternalRanges.IsDefaultOrEmpty ? PrivateRanges : manager.ClientAddress.InternalRanges;

        IdleMilliseconds = Milliseconds(manager.Timeouts.Idle);
        StreamIdleMilliseconds = Milliseconds(manager.Timeouts.StreamIdle);
        RequestMilliseconds = Milliseconds(manager.Timeouts.Request);
        FlushMilliseconds = StreamIdleMilliseconds > 0 ? StreamIdleMilliseconds : DefaultFlushMilliseconds;
        HeadMilliseconds = Milliseconds(manager.Timeouts.RequestHeaders);
        if (HeadMilliseconds == 0) HeadMilliseconds = StreamIdleMilliseconds > 0 ? StreamIdleMilliseconds : DefaultHeadMilliseconds;
        Http2 = manager.Http2 with
        {
            HeadTimeoutMilliseconds = (int)Math.Min(HeadMilliseconds, int.MaxValue),
            // A proxy before us folds the connections of many clients into one: its slow streams are not the deed of one of them.
            StalledStreams = manager.ClientAddress.UseRemoteAddress ? manager.Http2.StalledStreams : int.MaxValue,
        };
        MaxConnectionMilliseconds = Milliseconds(manager.Timeouts.MaxConnectionDuration);
        MaxStreamMilliseconds = Milliseconds(manager.Timeouts.MaxStreamDuration);
        DelayedCloseMilliseconds = Milliseconds(manager.Timeouts.DelayedClose);

        ListenerStats = ListenerStats.Open(statistics.Registry, listener.StatPrefix);
        Http2Stats = Http2Stats.OpenDownstream(statistics.Registry);
        Stats = HttpConnectionManagerStats.Open(statistics.Registry, manager.StatPrefix);
        ListenerHttpStats = ListenerHttpStats.Open(statistics.Registry, listener.StatPrefix, manager.StatPrefix);
    }

    public ListenerSnapshot Listener { get; }

    /// <summary>The connections that drain together.</summary>
    public ListenerScope Scope { get; }

    public FilterChainSnapshot FilterChain { get; }

    public HttpConnectionManagerSnapshot Manager { get; }

    /// <summary>What requests may look like, in whichever version they come.</summary>
    public Http1RequestOptions RequestOptions { get; }

    public Http1RequestParser Parser { get; }

    public Http1Limits Limits { get; }

    /// <summary>The manager's decisions about HTTP/2, those included that stand elsewhere in its configuration.</summary>
    public Http2Options Http2 { get; }

    /// <summary>In configuration order.</summary>
    public HttpFilter[] RequestFilters { get; }

    /// <summary>In reverse order, as responses pass them.</summary>
    public HttpFilter[] ResponseFilters { get; }

    /// <summary>In configuration order: the last one's is what the server is sent.</summary>
    public HttpFilter[] RequestContentFilters { get; }

    /// <summary>In reverse order.</summary>
    public HttpFilter[] ResponseContentFilters { get; }

    /// <summary>In reverse order.</summary>
    public HttpFilter[] CompleteFilters { get; }

    public AccessLogger[] AccessLogs { get; }

    /// <summary>The filter that ends the chain.</summary>
    public RouterFilter Router { get; }

    /// <summary>Value of the <c>server</c> header.</summary>
    public byte[] Server { get; }

    /// <summary>Value appended to <c>via</c>; empty: none.</summary>
    public byte[] Via { get; }

    // All in milliseconds; 0 is off.
    public long IdleMilliseconds { get; }

    public long StreamIdleMilliseconds { get; }

    public long RequestMilliseconds { get; }

    /// <summary>From the first octet of a request's head to its last. Never 0.</summary>
    public long HeadMilliseconds { get; }

    /// <summary>How long a client may take nothing of what waits for it. Never 0.</summary>
    public long FlushMilliseconds { get; }

    public long MaxConnectionMilliseconds { get; }

    public long MaxStreamMilliseconds { get; }

    public long DelayedCloseMilliseconds { get; }

    public ListenerStats ListenerStats { get; }

    /// <summary>Of the clients' HTTP/2 connections, those of all listeners together.</summary>
    public Http2Stats Http2Stats { get; }

    public HttpConnectionManagerStats Stats { get; }

    public ListenerHttpStats ListenerHttpStats { get; }

    /// <summary>The address is one of ours, as the configuration defines it.</summary>
    public bool IsInternal(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        foreach (IPNetwork range in _internalRanges)
        {
            if (range.BaseAddress.AddressFamily == address.AddressFamily && range.Contains(address)) return true;
        }

        return false;
    }

    private static Http1RequestOptions OptionsOf(HttpConnectionManagerSnapshot manager, Http1Limits limits) => new()
    {
        Limits = limits,
        Path = new PathPolicy
        {
            Normalize = manager.Path.Normalize,
            MergeSlashes = manager.Path.MergeSlashes,
            EscapedSlashes = manager.Path.EscapedSlashes switch
            {
                EscapedSlashes.RejectRequest => EscapedSlashAction.RejectRequest,
                EscapedSlashes.UnescapeAndRedirect => EscapedSlashAction.UnescapeAndRedirect,
                EscapedSlashes.UnescapeAndForward => EscapedSlashAction.UnescapeAndForward,
                _ => EscapedSlashAction.KeepUnchanged,
            },
        },
        AcceptHttp10 = manager.Http1.AcceptHttp10,
        DefaultHostForHttp10 = manager.Http1.DefaultHostForHttp10.Length > 0 ? manager.Http1.DefaultHostForHttp10 : null,
        Underscores = manager.Limits.HeadersWithUnderscores switch
        {
            UnderscoreHeaders.RejectRequest => UnderscoreAction.RejectRequest,
            UnderscoreHeaders.DropHeader => UnderscoreAction.DropHeader,
            _ => UnderscoreAction.Allow,
        },
    };

    private static long Milliseconds(TimeSpan? time) => time is { } value ? (long)Math.Ceiling(value.TotalMilliseconds) : 0;
}
