using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Routing;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Forwarding;

/// <summary>
/// One request and its response, as filters, access logs and statistics see them, whatever protocol either side speaks.
/// </summary>
/// <remarks>
/// Owned by one reactor and reused: everything here is valid from the first filter to the last <see cref="HttpFilter.OnComplete"/> and
/// not after. Spans of the heads are valid until the head is changed.
/// </remarks>
public sealed class HttpExchange
{
    /// <summary>Filters that may keep state per exchange before the oldest is forgotten; a chain is far shorter.</summary>
    private const int MaxFilterStates = 32;

    private (HttpFilter? Filter, object? State)[] _filterStates = [];
    private int _filterStateCount;
    private int _oldestFilterState;

    /// <summary>The canonical request. Everything that looks at the request reads this object, and what it holds is what goes upstream.</summary>
    public HttpRequestHead Request { get; } = new();

    /// <summary>The response as it is, or will be, sent to the client.</summary>
    public HttpResponseHead Response { get; } = new();

    /// <summary>Trailers of the response; empty when there were none.</summary>
    public HeaderBlock ResponseTrailers { get; } = new();

    /// <summary>What was decided and what became of it.</summary>
    public ExchangeRecord Record { get; } = new();

    /// <summary>The configuration of this request: read once, the same to the end.</summary>
    public ProxySnapshot Snapshot { get; internal set; } = ProxySnapshot.Empty;

    /// <summary>The listener that took the connection, as it was configured then.</summary>
    public ListenerSnapshot Listener { get; internal set; } = null!;

    /// <summary>The filter chain that was chosen for the connection.</summary>
    public FilterChainSnapshot FilterChain { get; internal set; } = null!;

    /// <summary>The options under which the connection is HTTP.</summary>
    public HttpConnectionManagerSnapshot ConnectionManager { get; internal set; } = null!;

    /// <summary>Null when no domain matched.</summary>
    public VirtualHostEntry? VirtualHost { get; internal set; }

    /// <summary>Null when no route matched.</summary>
    public RouteEntry? Route { get; internal set; }

    /// <summary>The request came from inside, as <see cref="ClientAddressOptions"/> defines it.</summary>
    public bool IsInternal { get; internal set; }

    /// <summary>Content-type says that this is gRPC: failures are told as trailers-only responses.</summary>
    public bool IsGrpc { get; internal set; }

    /// <summary>Index of the reactor that owns the exchange.</summary>
    public int ReactorIndex { get; internal set; }

    /// <summary>Where this exchange counts; belongs to its reactor.</summary>
    public StatShard Shard { get; internal set; } = null!;

    /// <summary>
    /// What <paramref name="filter"/> keeps for one exchange. The object stays with this reusable exchange, so in steady state nothing is
    /// allocated: the filter itself sets it back when a request begins.
    /// </summary>
    public TState FilterState<TState>(HttpFilter filter)
        where TState : class, new()
    {
        for (int i = 0; i < _filterStateCount; i++)
        {
            if (ReferenceEquals(_filterStates[i].Filter, filter)) return (TState)_filterStates[i].State!;
        }

        return AddFilterState<TState>(filter);
    }

    private TState AddFilterState<TState>(HttpFilter filter)
        where TState : class, new()
    {
        var state = new TState();
        if (_filterStateCount < MaxFilterStates)
        {
            if (_filterStateCount == _filterStates.Length) Array.Resize(ref _filterStates, Math.Max(4, _filterStateCount * 2));
            _filterStates[_filterStateCount++] = (filter, state);
            return state;
        }

        // Filters of configurations that are gone fill the table in the end: the oldest makes room.
        _filterStates[_oldestFilterState] = (filter, state);
        _oldestFilterState = (_oldestFilterState + 1) % MaxFilterStates;
        return state;
    }
}
