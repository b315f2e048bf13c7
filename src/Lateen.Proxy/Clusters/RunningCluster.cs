using System.Collections.Immutable;
using System.Net;
using System.Text;

namespace Lateen.Proxy.Clusters;

/// <summary>
/// One accepted version of a cluster while it runs: it learns its endpoints (from itself, from DNS, from EDS) and makes a snapshot out of
/// what it knows.
/// </summary>
/// <remarks>
/// Configuration thread only. It is warm, fit to be published, once it knows its endpoints or has learned that it will not: a static one
/// at once, one with names when every name has an answer, good or bad, one with EDS when its set came or its time was up.
/// </remarks>
internal sealed class RunningCluster : IDisposable
{
    private readonly ClusterRecord _record;
    private readonly ClusterEnvironment _environment;
    private readonly Dictionary<WatchedName, NameWatch> _names = [];
    private readonly ITimer? _fetchTimer;
    private EndpointAssignment? _fetched;
    private bool _isTimeUp;
    private IPAddress? _logicalAddress;

    public RunningCluster(
        ClusterDefinition definition, ClusterRecord record, RunningCluster? previous, EndpointAssignment? fetched, ClusterEnvironment environment)
    {
        Definition = definition;
        _record = record;
        _environment = environment;
        _fetched = fetched;
        if (definition.Discovery is ClusterDiscovery.StrictDns or ClusterDiscovery.LogicalDns) WatchNames(previous);
        if (definition.Discovery == ClusterDiscovery.Eds && fetched is null && definition.InitialFetchTimeout is { } wait)
        {
            _fetchTimer = environment.Time.CreateTimer(_ => environment.Thread.Post(OnTimeUp), null, wait, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Called on the configuration thread when what it knows changed by itself: an answer came, a wait is over.</summary>
    public Action? Changed { get; set; }

    public ClusterDefinition Definition { get; }

    public bool IsWarm => Definition.Discovery switch
    {
        ClusterDiscovery.Eds => _fetched is not null || _isTimeUp,
        ClusterDiscovery.StrictDns or ClusterDiscovery.LogicalDns => _names.Values.All(static name => name.HasAnswered),
        _ => true,
    };

    /// <summary>Names that could not be resolved last time, for status pages.</summary>
    public IEnumerable<string> Failures => _names.Values.Select(static name => name.Failure).OfType<string>();

    /// <summary>A new endpoint set from EDS; null: there is none under that name. The caller knows, so <see cref="Changed"/> is not called.</summary>
    public void SetFetched(EndpointAssignment? assignment)
    {
        _fetched = assignment;
        _isTimeUp |= assignment is null;
        _fetchTimer?.Dispose();
    }

    /// <summary>What is known now, as a value. Endpoints that were known before keep their state.</summary>
    public ClusterSnapshot BuildSnapshot()
    {
        var assignment = Definition.Discovery == ClusterDiscovery.Eds ? _fetched ?? EndpointAssignment.Empty : Definition.Assignment;
        var groups = new List<EndpointGroup>(assignment.Localities.Length);
        var all = ImmutableArray.CreateBuilder<EndpointSnapshot>();
        _record.BeginEndpoints();
        foreach (var locality in assignment.Localities)
        {
            var endpoints = new List<EndpointSnapshot>(locality.Endpoints.Length);
            foreach (var endpoint in locality.Endpoints) AddEndpoints(endpoint, locality, endpoints);
            all.AddRange(endpoints);
            groups.Add(new EndpointGroup(locality.Locality, locality.Priority, locality.Weight, [.. endpoints]));
        }

        _record.EndEndpoints();
        var balancing = Definition.LoadBalancing with { OverprovisioningPercent = assignment.OverprovisioningPercent };
        return new ClusterSnapshot
        {
            Reference = _record.Reference,
            StatName = Definition.StatName,
            State = _record.State,
            Discovery = Definition.Discovery,
            Algorithm = balancing.Algorithm,
            LoadBalancer = LoadBalancerFactory.Create(groups, balancing, _environment.ReactorCount),
            Endpoints = all.DrainToImmutable(),
            Limits = Definition.Limits,
            HighPriorityLimits = Definition.HighPriorityLimits,
            EdsServiceName = Definition.ShownServiceName,
            ConnectTimeout = Definition.ConnectTimeout,
            Connections = Definition.Connections,
            UpstreamTls = Definition.Tls,
            UsesTls = !Definition.TlsContexts.IsEmpty,
            AllowsAlpnOverride = Definition.AllowsAlpnOverride,
            ProxyProtocol = Definition.ProxyProtocol,
            UpstreamProtocol = Definition.Protocol,
            Service = Definition.Service,
            IsStatic = _record.IsStatic,
        };
    }

    public void Dispose()
    {
        Changed = null;
        _fetchTimer?.Dispose();
        foreach (var name in _names.Values) name.Dispose();
        _names.Clear();
    }

    private void WatchNames(RunningCluster? previous)
    {
        foreach (var locality in Definition.Assignment.Localities)
        {
            foreach (var endpoint in locality.Endpoints)
            {
                if (endpoint.Address is not null) continue;
                var name = NameOf(endpoint);
                if (_names.ContainsKey(name)) continue;

                // A name that the last version knows keeps its answer, so that an update of the cluster need not wait for DNS.
                var watch = new NameWatch(name, _environment);
                if (previous is not null && previous._names.TryGetValue(name, out var known)) watch.Adopt(known);
                watch.Look();
                watch.Changed = () => Changed?.Invoke();
                _names.Add(name, watch);
            }
        }
    }

    private WatchedName NameOf(AssignedEndpoint endpoint) => new(endpoint.Host, Definition.DnsFamily, Definition.DnsRefreshRate);

    private void AddEndpoints(AssignedEndpoint endpoint, AssignedLocality locality, List<EndpointSnapshot> endpoints)
    {
        if (endpoint.Address is { } fixedAddress)
        {
            endpoints.Add(Snapshot(endpoint, locality, fixedAddress));
            return;
        }

        var addresses = _names[NameOf(endpoint)].Addresses;
        if (Definition.Discovery == ClusterDiscovery.LogicalDns) addresses = LogicalAddress(addresses);
        foreach (var address in addresses) endpoints.Add(Snapshot(endpoint, locality, new IPEndPoint(address, endpoint.Port)));
    }

    // One endpoint stands for the name. It stays where it is while that address is still in the answer: answers rotate, connections need
    // not.
    private ImmutableArray<IPAddress> LogicalAddress(ImmutableArray<IPAddress> addresses)
    {
        if (_logicalAddress is null || !addresses.Contains(_logicalAddress)) _logicalAddress = addresses.FirstOrDefault();
        return _logicalAddress is null ? [] : [_logicalAddress];
    }

    private EndpointSnapshot Snapshot(AssignedEndpoint endpoint, AssignedLocality locality, EndPoint address)
    {
        var hostname = endpoint.Hostname.Length > 0 ? endpoint.Hostname : endpoint.Host;
        return new EndpointSnapshot
        {
            State = _record.EndpointOf(address),
            Weight = endpoint.Weight,
            Health = endpoint.Health,
            Priority = locality.Priority,
            Locality = locality.Locality,
            Hostname = hostname,
            HostnameBytes = Encoding.UTF8.GetBytes(hostname),
            Workload = endpoint.Workload,
            Transport = Definition.TransportFor(endpoint),
        };
    }

    private void OnTimeUp()
    {
        if (_fetched is not null || _isTimeUp) return;
        _isTimeUp = true;
        Changed?.Invoke();
    }
}
