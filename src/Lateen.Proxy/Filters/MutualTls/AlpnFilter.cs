using System.Collections.Immutable;
using Google.Protobuf.WellKnownTypes;
using Istio.Envoy.Config.Filter.Http.Alpn.V2Alpha1;
using Lateen.Net.Tls;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Forwarding;
using Protocol = Istio.Envoy.Config.Filter.Http.Alpn.V2Alpha1.FilterConfig.Types.Protocol;

namespace Lateen.Proxy.Filters.MutualTls;

/// <summary>
/// Istio's <c>istio.alpn</c>: connections to endpoints say in the TLS handshake what the request will be spoken in, so that the server's proxy can
/// choose a filter chain by it. Without effect on plain connections and on clusters that forbid it.
/// </summary>
public sealed record AlpnFilter(string Name, string TypeUrl, AlpnOverrides Overrides) : HttpFilter(Name, TypeUrl)
{
    public override FilterStages Stages => FilterStages.Request;

    public override FilterVerdict OnRequest(HttpExchange exchange)
    {
        exchange.AlpnOverrides = Overrides;
        return FilterVerdict.Continue;
    }
}

/// <summary>Compiles <c>istio.alpn</c>.</summary>
public sealed class AlpnFilterCompiler : IExtensionCompiler
{
    public string MessageName => "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig";

    public CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors)
    {
        if (ExtensionMessages.TryParse(FilterConfig.Parser, configuration, path, errors) is not { } config) return null;
        var errorsBefore = errors.Count;
        var lists = new ImmutableArray<AlpnProtocol>[3];
        for (var i = 0; i < config.AlpnOverride.Count; i++)
        {
            var entry = config.AlpnOverride[i];
            var entryPath = path.Field("alpn_override").At(i);
            // HTTP/1.0 is not spoken to servers, so what it would offer is checked and not used.
            if (entry.UpstreamProtocol is not (Protocol.Http10 or Protocol.Http11 or Protocol.Http2))
                errors.Add(entryPath.Field("upstream_protocol"), $"{(int)entry.UpstreamProtocol} is not a known value");
            else if (!lists[(int)entry.UpstreamProtocol].IsDefault) errors.Add(entryPath.Field("upstream_protocol"), $"{entry.UpstreamProtocol} stands there twice");
            else lists[(int)entry.UpstreamProtocol] = Read(entry, entryPath, errors);
        }

        return errors.Count > errorsBefore
            ? null
            : new AlpnFilter(name, configuration.TypeUrl, new AlpnOverrides(lists[(int)Protocol.Http11], lists[(int)Protocol.Http2]));
    }

    private static ImmutableArray<AlpnProtocol> Read(FilterConfig.Types.AlpnOverride entry, FieldPath path, ConfigurationErrors errors)
    {
        var protocols = ImmutableArray.CreateBuilder<AlpnProtocol>(entry.AlpnOverride_.Count);
        for (var i = 0; i < entry.AlpnOverride_.Count; i++)
        {
            string written = entry.AlpnOverride_[i];
            if (written.Length is > 0 and <= AlpnProtocol.MaxBytes) protocols.Add(AlpnProtocol.Get(written));
            else errors.Add(path.Field("alpn_override").At(i), $"must have 1 to {AlpnProtocol.MaxBytes} octets (RFC 7301 3.1)");
        }

        return protocols.DrainToImmutable();
    }
}
