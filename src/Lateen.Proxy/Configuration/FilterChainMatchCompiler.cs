using System.Collections.Immutable;
using Lateen.Proxy.Listeners.Chains;
using ProtoMatch = Envoy.Config.Listener.V3.FilterChainMatch;

namespace Lateen.Proxy.Configuration;

/// <summary>Compiles which connections a filter chain is for, and finds chains that want the same ones.</summary>
internal sealed class FilterChainMatchCompiler(ConfigurationErrors errors)
{
    public FilterChainMatch Compile(ProtoMatch? match, FieldPath path)
    {
        if (match is null || match.Equals(new ProtoMatch())) return FilterChainMatch.Any;
        if (match.DestinationPort is < 1 or > ushort.MaxValue) errors.Add(path.Field("destination_port"), $"{match.DestinationPort} is not a port");
        return new FilterChainMatch
        {
            DestinationPort = (ushort?)match.DestinationPort,
            DestinationPrefixes = CidrRanges.Compile(match.PrefixRanges, path.Field("prefix_ranges"), errors),
            ServerNames = ServerNamesOf(match, path.Field("server_names")),
            TransportProtocol = match.TransportProtocol,
            ApplicationProtocols = [.. match.ApplicationProtocols],
            DirectSourcePrefixes = CidrRanges.Compile(match.DirectSourcePrefixRanges, path.Field("direct_source_prefix_ranges"), errors),
            SourceType = SourceTypeOf(match, path.Field("source_type")),
            SourcePrefixes = CidrRanges.Compile(match.SourcePrefixRanges, path.Field("source_prefix_ranges"), errors),
            SourcePorts = SourcePortsOf(match, path.Field("source_ports")),
        };
    }

    /// <summary>Reports chains that would take connections that an earlier one has: whichever served them, half of the configuration would be ignored.</summary>
    public void CheckDistinct(IReadOnlyList<(FilterChainMatch Match, string Name)> chains, FieldPath path) =>
        FilterChainIndex.Build([.. chains.Select(static chain => chain.Match)], (chain, former) => errors.Add(
            path.At(chain).Field("filter_chain_match"),
            chain == former
                ? "names too many combinations of names, ranges and ports"
                : $"matches connections that {path.At(former)}{(chains[former].Name.Length > 0 ? $" ('{chains[former].Name}')" : string.Empty)} matches"));

    private ImmutableArray<string> ServerNamesOf(ProtoMatch match, FieldPath path)
    {
        for (var i = 0; i < match.ServerNames.Count; i++)
        {
            var name = match.ServerNames[i];
            var rest = name.StartsWith("*.", StringComparison.Ordinal) ? name[2..] : name;
            if (rest.Length == 0 || rest.Contains('*', StringComparison.Ordinal))
                errors.Add(path.At(i), $"'{name}': a name is whole, or begins with '*.'; for every name leave server_names out");
        }

        return [.. match.ServerNames.Select(static name => name.ToLowerInvariant())];
    }

    private ImmutableArray<ushort> SourcePortsOf(ProtoMatch match, FieldPath path)
    {
        for (var i = 0; i < match.SourcePorts.Count; i++)
        {
            if (match.SourcePorts[i] is < 1 or > ushort.MaxValue) errors.Add(path.At(i), $"{match.SourcePorts[i]} is not a port");
        }

        return [.. match.SourcePorts.Select(static port => (ushort)port)];
    }

    private ConnectionSourceType SourceTypeOf(ProtoMatch match, FieldPath path)
    {
        switch (match.SourceType)
        {
            case ProtoMatch.Types.ConnectionSourceType.Any: return ConnectionSourceType.Any;
            case ProtoMatch.Types.ConnectionSourceType.SameIpOrLoopback: return ConnectionSourceType.SameIpOrLoopback;
            case ProtoMatch.Types.ConnectionSourceType.External: return ConnectionSourceType.External;
            default:
                errors.Add(path, $"{(int)match.SourceType} is not a known value");
                return ConnectionSourceType.Any;
        }
    }
}
