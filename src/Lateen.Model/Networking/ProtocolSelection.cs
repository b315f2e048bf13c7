using System.Collections.Frozen;
using Lateen.Model.Kubernetes;

namespace Lateen.Model.Networking;

/// <summary>Which protocol a port declares: by name for Istio kinds, by <c>appProtocol</c> and port name for core Services.</summary>
public static class ProtocolSelection
{
    private static readonly FrozenDictionary<string, PortProtocol> ByName = new Dictionary<string, PortProtocol>
    {
        ["tcp"] = PortProtocol.Tcp,
        ["udp"] = PortProtocol.Udp,
        ["grpc"] = PortProtocol.Grpc,
        ["grpc-web"] = PortProtocol.GrpcWeb,
        ["http"] = PortProtocol.Http,
        ["http_proxy"] = PortProtocol.HttpProxy,
        ["http2"] = PortProtocol.Http2,
        ["https"] = PortProtocol.Https,
        ["tls"] = PortProtocol.Tls,
        ["mongo"] = PortProtocol.Mongo,
        ["redis"] = PortProtocol.Redis,
        ["mysql"] = PortProtocol.MySql,
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>The names that <see cref="Parse"/> knows, for messages.</summary>
    public static IEnumerable<string> Names => ByName.Keys.Order(StringComparer.Ordinal);

    /// <summary>Reads a protocol name, whatever its case; <see cref="PortProtocol.Unsupported"/> when it is none of Istio's.</summary>
    public static PortProtocol Parse(string name) => ByName.GetValueOrDefault(name, PortProtocol.Unsupported);

    /// <summary>The name that <see cref="Parse"/> reads back: <c>grpc-web</c>, <c>http2</c>; empty for
    /// <see cref="PortProtocol.Unsupported"/>.</summary>
    public static string NameOf(PortProtocol protocol)
    {
        foreach (var (name, value) in ByName)
            if (value == protocol) return name;
        return "";
    }

    /// <summary>
    /// The protocol of a core Service's port. UDP wins; then <c>appProtocol</c> (Kubernetes' own names included), which hides the port name
    /// even when it means nothing to us; then the port name up to its first dash; then the ports whose servers speak first (25, 53, 3306,
    /// 27017), which are TCP, for looking at the first bytes would hang them.
    /// </summary>
    public static PortProtocol OfServicePort(ServicePort port)
    {
        ArgumentNullException.ThrowIfNull(port);
        if (port.Transport.Equals("UDP", StringComparison.OrdinalIgnoreCase)) return PortProtocol.Udp;
        if (port.AppProtocol is { } appProtocol)
        {
            var declared = appProtocol.ToLowerInvariant() switch
            {
                "kubernetes.io/h2c" => PortProtocol.Http2,
                "kubernetes.io/ws" => PortProtocol.Http,
                "kubernetes.io/wss" => PortProtocol.Https,
                var other => Parse(other),
            };
            if (declared != PortProtocol.Unsupported) return declared;
        }
        else if (OfPortName(port.Name) is var named and not PortProtocol.Unsupported)
        {
            return named;
        }

        return port.Port is 25 or 53 or 3306 or 27017 ? PortProtocol.Tcp : PortProtocol.Unsupported;
    }

    private static PortProtocol OfPortName(string name)
    {
        if (name.Equals("grpc-web", StringComparison.OrdinalIgnoreCase) || name.StartsWith("grpc-web-", StringComparison.OrdinalIgnoreCase))
            return PortProtocol.GrpcWeb;
        var dash = name.IndexOf('-');
        return Parse(dash < 0 ? name : name[..dash]);
    }
}
