using System.Collections.Immutable;
using System.Net;
using Envoy.Config.Listener.V3;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Tls;
using Lateen.Xds;
using ProtoMatch = Envoy.Config.Listener.V3.FilterChainMatch;

namespace Lateen.Proxy.Configuration;

/// <summary>Compiles a <c>Listener</c>.</summary>
internal sealed class ListenerCompiler(ExtensionCatalog extensions, RouteTableCompiler routes, TlsScope tls, ConfigurationErrors errors)
{
    private const string HttpConnectionManagerName =
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

    /// <param name="listener">What the file or the control plane says.</param>
    /// <param name="isStatic">It stands in the bootstrap file.</param>
    /// <param name="path">Where it stands.</param>
    /// <returns>Null when there is something wrong with it.</returns>
    public ListenerSnapshot? Compile(Listener listener, bool isStatic, FieldPath path)
    {
        var errorsBefore = errors.Count;
        var address = AddressReader.Read(listener.Address, path.Field("address"), errors);
        if (listener.UseOriginalDst is true)
            errors.Add(path.Field("use_original_dst"), "is not supported: this version does not capture connections");
        if (listener.FilterChains.Count == 0 && listener.DefaultFilterChain is null)
            errors.Add(path.Field("filter_chains"), "at least one filter chain is required");

        var chains = ImmutableArray.CreateBuilder<FilterChainSnapshot>(listener.FilterChains.Count);
        for (var i = 0; i < listener.FilterChains.Count; i++)
        {
            if (CompileChain(listener.FilterChains[i], path.Field("filter_chains").At(i)) is { } chain) chains.Add(chain);
        }

        CheckDistinct(listener, chains, path.Field("filter_chains"));
        var defaultChain = listener.DefaultFilterChain is null ? null : CompileChain(listener.DefaultFilterChain, path.Field("default_filter_chain"));
        if (listener.DefaultFilterChain?.FilterChainMatch is { } match && !match.Equals(new ProtoMatch()))
            errors.Add(path.Field("default_filter_chain").Field("filter_chain_match"), "cannot stand in the default filter chain");

        var accessLogs = AccessLogCompiler.Compile(listener.AccessLog, extensions, path.Field("access_log"), errors);
        if (errors.Count > errorsBefore || address is null) return null;
        return new ListenerSnapshot
        {
            // Envoy makes up a UUID for a static listener without a name; the address says more and stays the same.
            Name = listener.Name.Length > 0 ? listener.Name : address.ToString()!,
            Address = address,
            BindToPort = listener.BindToPort ?? true,
            Direction = DirectionOf(listener),
            FilterChains = chains.DrainToImmutable(),
            DefaultFilterChain = defaultChain,
            BufferLimitBytes = listener.PerConnectionBufferLimitBytes ?? 1024 * 1024,
            Backlog = listener.TcpBacklogSize,
            ReusePort = listener.EnableReusePort ?? true,
            AccessLogs = accessLogs,
            StatPrefix = listener.StatPrefix.Length > 0 ? listener.StatPrefix : StatNameOf(address),
            IsStatic = isStatic,
        };
    }

    private FilterChainSnapshot? CompileChain(FilterChain chain, FieldPath path)
    {
        var downstreamTls = TransportSockets.CompileDownstream(chain.TransportSocket, path.Field("transport_socket"), tls, errors);
        var match = CompileMatch(chain.FilterChainMatch, path.Field("filter_chain_match"));
        var filtersPath = path.Field("filters");
        if (chain.Filters.Count == 0)
        {
            errors.Add(filtersPath, "an http_connection_manager is required");
            return null;
        }

        HttpConnectionManagerSnapshot? manager = null;
        for (var i = 0; i < chain.Filters.Count; i++)
        {
            var filter = chain.Filters[i];
            var filterPath = filtersPath.At(i);
            if (XdsTypeRegistry.TypeNameOf(filter.TypedConfig?.TypeUrl ?? string.Empty) != HttpConnectionManagerName)
            {
                errors.Add(filterPath, filter.TypedConfig is null
                    ? $"the network filter '{filter.Name}' needs a typed_config that says what it is"
                    : $"the network filter '{filter.Name}' of type '{filter.TypedConfig.TypeUrl}' is not supported (supported: {HttpConnectionManagerName})");
            }
            else if (i < chain.Filters.Count - 1)
            {
                errors.Add(filterPath, "the http_connection_manager must be the last filter of its chain");
            }
            else
            {
                manager = new HttpConnectionManagerCompiler(extensions, routes, errors).Compile(filter.TypedConfig!, filterPath.Field("typed_config"));
            }
        }

        return manager is null ? null : new FilterChainSnapshot { Name = chain.Name, Match = match, HttpConnectionManager = manager, DownstreamTls = downstreamTls };
    }

    private FilterChainMatch CompileMatch(ProtoMatch? match, FieldPath path)
    {
        if (match is null) return FilterChainMatch.Any;
        if (match.DestinationPort is < 1 or > ushort.MaxValue) errors.Add(path.Field("destination_port"), $"{match.DestinationPort} is not a port");
        return new FilterChainMatch
        {
            DestinationPort = (ushort?)match.DestinationPort,
            DestinationPrefixes = CidrRanges.Compile(match.PrefixRanges, path.Field("prefix_ranges"), errors),
        };
    }

    private void CheckDistinct(Listener listener, ImmutableArray<FilterChainSnapshot>.Builder chains, FieldPath path)
    {
        for (var i = 1; i < listener.FilterChains.Count; i++)
        {
            var match = listener.FilterChains[i].FilterChainMatch ?? new ProtoMatch();
            for (var j = 0; j < i; j++)
            {
                if (!match.Equals(listener.FilterChains[j].FilterChainMatch ?? new ProtoMatch())) continue;
                errors.Add(path.At(i).Field("filter_chain_match"), $"matches the same connections as {path.At(j)}");
                break;
            }
        }
    }

    private static TrafficDirection DirectionOf(Listener listener) => listener.TrafficDirection switch
    {
        Envoy.Config.Core.V3.TrafficDirection.Inbound => TrafficDirection.Inbound,
        Envoy.Config.Core.V3.TrafficDirection.Outbound => TrafficDirection.Outbound,
        _ => TrafficDirection.Unspecified,
    };

    // As Envoy names the statistics of a listener: 0.0.0.0_8080, and [__1]_8080 for IPv6.
    private static string StatNameOf(EndPoint address) => address.ToString()!.Replace(':', '_');
}

/// <summary>Reads address ranges.</summary>
internal static class CidrRanges
{
    public static ImmutableArray<IPNetwork> Compile(
        IReadOnlyList<Envoy.Config.Core.V3.CidrRange> ranges, FieldPath path, ConfigurationErrors errors)
    {
        var networks = ImmutableArray.CreateBuilder<IPNetwork>(ranges.Count);
        for (var i = 0; i < ranges.Count; i++)
        {
            var length = (int)Math.Min(ranges[i].PrefixLen ?? 0, 129);
            if (!IPAddress.TryParse(ranges[i].AddressPrefix, out var address))
            {
                errors.Add(path.At(i).Field("address_prefix"), $"'{ranges[i].AddressPrefix}' is not an IP address");
            }
            else if (length > address.GetAddressBytes().Length * 8)
            {
                errors.Add(path.At(i).Field("prefix_len"), $"{ranges[i].PrefixLen} is too long for {address}");
            }
            else
            {
                networks.Add(new IPNetwork(Masked(address, length), length));
            }
        }

        return networks.DrainToImmutable();
    }

    private static IPAddress Masked(IPAddress address, int length)
    {
        var bytes = address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
        {
            var kept = Math.Clamp(length - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF << (8 - kept));
        }

        return new IPAddress(bytes);
    }
}

/// <summary>Compiles access loggers.</summary>
internal static class AccessLogCompiler
{
    public static ImmutableArray<CompiledExtension> Compile(
        IReadOnlyList<Envoy.Config.Accesslog.V3.AccessLog> logs, ExtensionCatalog extensions, FieldPath path, ConfigurationErrors errors)
    {
        var compiled = ImmutableArray.CreateBuilder<CompiledExtension>(logs.Count);
        for (var i = 0; i < logs.Count; i++)
        {
            if (extensions.CompileAccessLogger(logs[i].Name, logs[i].TypedConfig, path.At(i), errors) is { } log) compiled.Add(log);
        }

        return compiled.DrainToImmutable();
    }
}
