using System.Collections.Immutable;
using System.Net;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Listeners.Chains;

/// <summary>
/// Finds the filter chain of a connection without looking at all chains. Envoy's rule, criterion by criterion: destination port, destination
/// address (longest prefix), server name (exact, then the longest wildcard), transport protocol, application protocol, direct source
/// address, source type, source address, source port. A chain that is left out at one criterion does not come back because a later one
/// fails.
/// </summary>
/// <remarks>
/// One table per criterion, nested in that order; a chain stands in every leaf that the product of its criteria names. Built once and
/// immutable afterwards; a choice is nine lookups at most.
/// </remarks>
internal sealed class FilterChainIndex
{
    /// <summary>No chain: use the default one, or close.</summary>
    public const int None = -1;

    /// <summary>Leaves of one chain. Count. Hit: the chain is refused; names times ranges times ports beyond it are a mistake.</summary>
    private const int MaxLeaves = 65_536;

    private readonly Dictionary<ushort, AddressTable<NameTable>> _byPort = [];
    private readonly AddressTable<NameTable> _anyPort = new();
    private bool _hasAnyPort;

    /// <summary>Builds the index.</summary>
    /// <param name="matches">The criteria of each chain, in configuration order.</param>
    /// <param name="onConflict">
    /// Told of a chain that would take connections that an earlier one has (its index, the earlier one's), or that has too many
    /// combinations (its index twice).
    /// </param>
    public static FilterChainIndex Build(IReadOnlyList<FilterChainMatch> matches, Action<int, int>? onConflict = null)
    {
        var index = new FilterChainIndex();
        for (int i = 0; i < matches.Count; i++)
        {
            int conflict = index.Add(matches[i], i);
            if (conflict >= 0) onConflict?.Invoke(i, conflict);
        }

        return index;
    }

    /// <summary>Index of the chain, or <see cref="None"/>.</summary>
    public int Find(ConnectionFacts facts)
    {
        AddressTable<NameTable>? byAddress = _hasAnyPort ? _anyPort : null;
        if (facts.Local is { } local && _byPort.TryGetValue((ushort)local.Port, out AddressTable<NameTable>? exact)) byAddress = exact;
        ProtocolTable? protocols = byAddress?.Find(facts.Local?.Address)?.Find(facts.ServerName)?.Find(facts.TransportProtocol);
        SourceTable? sources = protocols?.Find(facts.ApplicationProtocols)?.Find(facts.DirectRemote?.Address);
        return sources?.Find(facts) ?? None;
    }

    /// <returns>-1, or the chain that stands in a leaf already.</returns>
    private int Add(FilterChainMatch match, int chain)
    {
        IPNetwork?[] destinations = Ranges(match.DestinationPrefixes);
        IPNetwork?[] directSources = Ranges(match.DirectSourcePrefixes);
        IPNetwork?[] sources = Ranges(match.SourcePrefixes);
        string[] names = match.ServerNames.IsDefaultOrEmpty ? [string.Empty] : [.. match.ServerNames];
        string[] applications = match.ApplicationProtocols.IsDefaultOrEmpty ? [string.Empty] : [.. match.ApplicationProtocols];
        ushort?[] ports = match.SourcePorts.IsDefaultOrEmpty ? [null] : [.. match.SourcePorts.Select(static port => (ushort?)port)];
        long leaves = (long)destinations.Length * directSources.Length * sources.Length * names.Length * applications.Length * ports.Length;
        if (leaves > MaxLeaves) return chain;

        var tables =
            from destination in destinations
            from name in names
            let byTransport = PortTable(match.DestinationPort).GetOrAdd(destination, static () => new NameTable()).GetOrAdd(name)
            let byApplication = byTransport.GetOrAdd(match.TransportProtocol)
            from application in applications
            from direct in directSources
            from source in sources
            select byApplication.GetOrAdd(application).GetOrAdd(direct, static () => new SourceTable()).GetOrAdd(match.SourceType, source);
        int conflict = None;
        foreach (PortLeaf leaf in tables.ToList())
        {
            foreach (ushort? port in ports)
            {
                int former = leaf.TryAdd(port, chain);
                if (former >= 0 && former != chain && conflict < 0) conflict = former;
            }
        }

        return conflict;
    }

    private AddressTable<NameTable> PortTable(ushort? port)
    {
        if (port is not { } number)
        {
            _hasAnyPort = true;
            return _anyPort;
        }

        if (!_byPort.TryGetValue(number, out AddressTable<NameTable>? table)) _byPort.Add(number, table = new AddressTable<NameTable>());
        return table;
    }

    private static IPNetwork?[] Ranges(ImmutableArray<IPNetwork> ranges) =>
        ranges.IsDefaultOrEmpty ? [null] : [.. ranges.Select(static range => (IPNetwork?)range)];

    /// <summary>By server name. A wildcard <c>*.example.com</c> is kept as <c>.example.com</c>.</summary>
    private sealed class NameTable
    {
        private readonly Dictionary<string, ProtocolsByTransport> _names = new(StringComparer.OrdinalIgnoreCase);
        private ProtocolsByTransport? _any;

        public ProtocolsByTransport GetOrAdd(string name)
        {
            if (name.Length == 0) return _any ??= new ProtocolsByTransport();
            string key = name.StartsWith("*.", StringComparison.Ordinal) ? name[1..] : name;
            if (!_names.TryGetValue(key, out ProtocolsByTransport? known)) _names.Add(key, known = new ProtocolsByTransport());
            return known;
        }

        public ProtocolsByTransport? Find(string name)
        {
            if (name.Length == 0 || _names.Count == 0) return _any;
            if (name[0] != '.' && _names.TryGetValue(name, out ProtocolsByTransport? exact)) return exact;
            var lookup = _names.GetAlternateLookup<ReadOnlySpan<char>>();
            for (int dot = name.IndexOf('.', 1); dot > 0 && dot < name.Length - 1; dot = name.IndexOf('.', dot + 1))
            {
                if (lookup.TryGetValue(name.AsSpan(dot), out ProtocolsByTransport? wildcard)) return wildcard;
            }

            return _any;
        }
    }

    private sealed class ProtocolsByTransport
    {
        private readonly Dictionary<string, ProtocolTable> _transports = new(StringComparer.Ordinal);
        private ProtocolTable? _any;

        public ProtocolTable GetOrAdd(string transport)
        {
            if (transport.Length == 0) return _any ??= new ProtocolTable();
            if (!_transports.TryGetValue(transport, out ProtocolTable? known)) _transports.Add(transport, known = new ProtocolTable());
            return known;
        }

        public ProtocolTable? Find(string transport) => _transports.TryGetValue(transport, out ProtocolTable? exact) ? exact : _any;
    }

    /// <summary>By application protocol, in the client's order of preference.</summary>
    private sealed class ProtocolTable
    {
        private readonly Dictionary<string, AddressTable<SourceTable>> _protocols = new(StringComparer.Ordinal);
        private AddressTable<SourceTable>? _any;

        public AddressTable<SourceTable> GetOrAdd(string protocol)
        {
            if (protocol.Length == 0) return _any ??= new AddressTable<SourceTable>();
            if (!_protocols.TryGetValue(protocol, out AddressTable<SourceTable>? known))
                _protocols.Add(protocol, known = new AddressTable<SourceTable>());
            return known;
        }

        public AddressTable<SourceTable>? Find(string[] protocols)
        {
            foreach (string protocol in protocols)
            {
                if (_protocols.TryGetValue(protocol, out AddressTable<SourceTable>? found)) return found;
            }

            return _any;
        }
    }

    /// <summary>By source type, then address.</summary>
    private sealed class SourceTable
    {
        private readonly AddressTable<PortLeaf>?[] _byType = new AddressTable<PortLeaf>?[3];

        public PortLeaf GetOrAdd(ConnectionSourceType type, IPNetwork? range) =>
            (_byType[(int)type] ??= new AddressTable<PortLeaf>()).GetOrAdd(range, static () => new PortLeaf());

        public int Find(ConnectionFacts facts)
        {
            ConnectionSourceType type = IsNear(facts) ? ConnectionSourceType.SameIpOrLoopback : ConnectionSourceType.External;
            AddressTable<PortLeaf>? byAddress = _byType[(int)type] ?? _byType[(int)ConnectionSourceType.Any];
            return byAddress?.Find(facts.Remote?.Address)?.Find(facts.Remote?.Port) ?? None;
        }

        private static bool IsNear(ConnectionFacts facts) =>
            facts.Remote is not { } remote || IPAddress.IsLoopback(remote.Address) || remote.Address.Equals(facts.Local?.Address);
    }

    private sealed class PortLeaf
    {
        private readonly Dictionary<ushort, int> _ports = [];
        private int _any = None;

        /// <returns>-1, or the chain that is there already.</returns>
        public int TryAdd(ushort? port, int chain)
        {
            if (port is { } number) return _ports.TryAdd(number, chain) ? None : _ports[number];
            if (_any != None) return _any;
            _any = chain;
            return None;
        }

        public int Find(int? port) => port is { } number && _ports.TryGetValue((ushort)number, out int chain) ? chain : _any;
    }
}
