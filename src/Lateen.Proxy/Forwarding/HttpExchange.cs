using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Forwarding.Streams;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Routing;
using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Forwarding;

/// <summary>
/// One request and its response, as filters, access logs and statistics see them, whatever protocol either side speaks.
/// </summary>
/// <remarks>
/// Owned by one reactor and reused: everything here is valid from the first filter to the last <see cref="HttpFilter.OnComplete"/> and
/// not after. Spans of the heads are valid until the head is changed.
/// </remarks>
public sealed class HttpExchange : IAccessLogRecord
{
    /// <summary>Filters whose state is kept for their next exchange. Count; beyond it the oldest is forgotten. A chain is far shorter.</summary>
    internal const int MaxFilterStates = 32;

    private readonly ExchangeLogTexts _logTexts = new();
    private FilterStateEntry[] _filterStates = [];
    private int _filterStateCount;
    private int _oldestFilterState;
    private long _epoch;
    private HeaderBlock? _trailers;

    internal HttpExchange()
    {
    }

    /// <summary>The canonical request. Everything that looks at the request reads this object, and what it holds is what goes upstream.</summary>
    public HttpRequestHead Request { get; } = new();

    /// <summary>The response as it is, or will be, sent to the client.</summary>
    public HttpResponseHead Response { get; } = new();

    /// <summary>Trailers of the response; null when there were none.</summary>
    public HeaderBlock? ResponseTrailers { get; private set; }

    /// <summary>What was decided and what became of it.</summary>
    public ExchangeRecord Record { get; } = new();

    /// <summary>What filters leave for each other and for the access log.</summary>
    public DynamicMetadata Metadata { get; } = new();

    /// <summary>The configuration of this request: read once, the same to the end.</summary>
    public ProxySnapshot Snapshot { get; internal set; } = ProxySnapshot.Empty;

    /// <summary>The listener that took the connection, as it was configured when the request began.</summary>
    public ListenerSnapshot Listener => Profile.Listener;

    /// <summary>The filter chain for connections such as the request's.</summary>
    public FilterChainSnapshot FilterChain => Profile.FilterChain;

    /// <summary>The options under which the connection is HTTP.</summary>
    public HttpConnectionManagerSnapshot ConnectionManager => FilterChain.HttpConnectionManager!;

    /// <summary>Null when no route matched.</summary>
    public RouteEntry? Route { get; internal set; }

    /// <summary>The request came from inside, as <see cref="ClientAddressOptions"/> defines it.</summary>
    public bool IsInternal { get; internal set; }

    /// <summary>Content-type says that this is gRPC: failures are told as trailers-only responses.</summary>
    public bool IsGrpc { get; internal set; }

    /// <summary>The request asks to switch to another protocol.</summary>
    public bool IsUpgrade { get; internal set; }

    /// <summary>The switch was made: what follows the heads is the other protocol's.</summary>
    public bool IsTunnel { get; internal set; }

    /// <summary>What TLS handshakes for this request offer; null: what the cluster says.</summary>
    public Filters.MutualTls.AlpnOverrides? AlpnOverrides { get; internal set; }

    /// <summary>The client's connection.</summary>
    internal DownstreamConnection Connection { get; private set; } = null!;

    /// <summary>The rules of this request: read once, the same to the end.</summary>
    internal HttpConnectionProfile Profile { get; private set; } = null!;

    /// <summary>Woken by a filter that waits, when it has news. On the exchange's reactor.</summary>
    internal WakeSignal Signal { get; private set; } = null!;

    /// <summary>Who hears of interim responses; null: nobody does.</summary>
    internal IInterimReceiver? Interims { get; init; }

    /// <summary>
    /// The request's content as it comes from the client. A filter that waits may take of it, and then puts a source in its place that gives
    /// what was taken before what is still to come.
    /// </summary>
    internal ContentSource RequestContent { get; set; } = null!;

    /// <summary>A filter has taken all of the request's content from the client: nothing of it is left unread, whatever becomes of it.</summary>
    internal bool IsRequestTaken { get; set; }

    /// <summary>Index, among the filters that look at requests, of the one whose verdict is asked for.</summary>
    internal int FilterPosition { get; set; }

    /// <summary>A filter changed what the route was chosen by and wants it chosen again (<c>clear_route_cache</c>).</summary>
    internal bool IsRouteStale { get; set; }

    /// <summary>Index of the reactor that owns the exchange.</summary>
    public int ReactorIndex { get; internal init; }

    /// <summary>Where this exchange counts; belongs to its reactor.</summary>
    public StatShard Shard { get; internal init; } = null!;

    long IAccessLogRecord.StartMicroseconds => Record.StartUnixMicroseconds;

    ResponseFlags IAccessLogRecord.Flags => Record.Flags;

    /// <summary>
    /// What <paramref name="filter"/> keeps for one exchange. The object stays with this reusable exchange, so in steady state nothing is
    /// allocated: the filter itself sets it back when a request begins.
    /// </summary>
    public TState FilterState<TState>(HttpFilter filter)
        where TState : class, new()
    {
        for (int i = 0; i < _filterStateCount; i++)
        {
            if (!ReferenceEquals(_filterStates[i].Filter, filter)) continue;
            _filterStates[i].Epoch = _epoch;
            return (TState)_filterStates[i].State!;
        }

        return AddFilterState<TState>(filter);
    }

    long IAccessLogRecord.Moment(AccessLogMoment moment) => ExchangeLogNumbers.Moment(Record, moment);

    long IAccessLogRecord.Number(AccessLogNumber number) => ExchangeLogNumbers.Number(Record, number);

    ReadOnlySpan<byte> IAccessLogRecord.Text(AccessLogText text) => _logTexts.Text(this, text);

    ReadOnlySpan<byte> IAccessLogRecord.Address(AccessLogAddress address) => _logTexts.Address(this, address);

    ReadOnlySpan<byte> IAccessLogRecord.Tls(AccessLogTlsSide side, AccessLogTlsText text) => _logTexts.Tls(Record, side, text);

    long IAccessLogRecord.TlsMicroseconds(AccessLogTlsSide side, AccessLogTlsMoment moment) => ExchangeLogTexts.TlsMicroseconds(Record, side, moment);

    bool IAccessLogRecord.TryGetRequestHeader(AccessLogHeader header, out ReadOnlySpan<byte> value) => TryGet(Request.Headers, header, out value);

    bool IAccessLogRecord.TryGetResponseHeader(AccessLogHeader header, out ReadOnlySpan<byte> value) => TryGet(Response.Headers, header, out value);

    bool IAccessLogRecord.TryGetResponseTrailer(AccessLogHeader header, out ReadOnlySpan<byte> value)
    {
        value = default;
        return ResponseTrailers is not null && TryGet(ResponseTrailers, header, out value);
    }

    bool IAccessLogRecord.TryGetMetadata(AccessLogMetadata path, out ReadOnlySpan<byte> value, out bool isJson) =>
        _logTexts.TryGetMetadata(Metadata, path, out value, out isJson);

    internal void Attach(DownstreamConnection connection, HttpConnectionProfile profile, WakeSignal signal, ContentSource requestContent)
    {
        Connection = connection;
        Profile = profile;
        Signal = signal;
        RequestContent = requestContent;
    }

    /// <summary>For exchanges that no connection brought.</summary>
    internal void Attach(HttpConnectionProfile profile) => Profile = profile;

    /// <summary>Keeps a response's trailers beyond the life of the stream that they came on.</summary>
    internal void KeepTrailers(HeaderBlock trailers)
    {
        _trailers ??= new HeaderBlock();
        _trailers.Clear();
        for (int i = 0; i < trailers.Count; i++) _trailers.Add(trailers[i].Name, trailers[i].Value);
        ResponseTrailers = _trailers;
    }

    /// <summary>Forgets the exchange; the request head is reset by whoever reads the next one into it.</summary>
    internal void End()
    {
        Response.Reset();
        ResponseTrailers = null;
        Record.Reset();
        Metadata.Reset();
        Snapshot = ProxySnapshot.Empty;
        Route = null;
        IsInternal = false;
        IsGrpc = false;
        IsUpgrade = false;
        IsTunnel = false;
        AlpnOverrides = null;
        IsRequestTaken = false;
        IsRouteStale = false;
        FilterPosition = 0;
        RequestContent = null!;
        _epoch++;
    }

    private static bool TryGet(HeaderBlock headers, AccessLogHeader header, out ReadOnlySpan<byte> value) =>
        header.KnownId > 0 ? headers.TryGet((KnownHeader)header.KnownId, out value) : headers.TryGet(header.Name, out value);

    private TState AddFilterState<TState>(HttpFilter filter)
        where TState : class, new()
    {
        var entry = new FilterStateEntry(filter, new TState(), _epoch);
        // Filters of configurations that are gone, and of other listeners, fill the table in the end: the oldest makes room that this exchange has not used.
        for (int tries = 0; _filterStateCount >= MaxFilterStates && tries < _filterStateCount; tries++)
        {
            int place = _oldestFilterState;
            _oldestFilterState = (_oldestFilterState + 1) % _filterStateCount;
            if (_filterStates[place].Epoch == _epoch) continue;
            _filterStates[place] = entry;
            return (TState)entry.State!;
        }

        if (_filterStateCount == _filterStates.Length) Array.Resize(ref _filterStates, Math.Max(4, _filterStateCount * 2));
        _filterStates[_filterStateCount++] = entry;
        return (TState)entry.State!;
    }

    /// <summary>What a filter keeps, and the exchange that used it last.</summary>
    private record struct FilterStateEntry(HttpFilter? Filter, object? State, long Epoch);
}
