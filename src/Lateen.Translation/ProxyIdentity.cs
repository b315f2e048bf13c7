using System.Globalization;
using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Model;

namespace Lateen.Translation;

/// <summary>What a proxy is for.</summary>
public enum ProxyType
{
    /// <summary>Beside one workload, for its requests in both directions.</summary>
    Sidecar = 0,

    /// <summary>A gateway: serves the Gateway resources whose selector matches its labels.</summary>
    Router = 1,
}

/// <summary>
/// Who a proxy is, as far as its configuration depends on it: Istio's node id <c>type~ip~name.namespace~domain</c> and the node metadata that
/// Istio's agents send. Equal identities get equal configuration.
/// </summary>
public sealed record ProxyIdentity
{
    public required ProxyType Type { get; init; }

    /// <summary>The node id as the proxy sent it.</summary>
    public required string Id { get; init; }

    public required string Ip { get; init; }

    public required string Name { get; init; }

    public required string Namespace { get; init; }

    /// <summary>What selectors of Sidecars, Gateways and Services match (metadata LABELS).</summary>
    public StringMap<string> Labels { get; init; } = StringMap<string>.Empty;

    /// <summary>Metadata WORKLOAD_NAME; the proxy's name when it sends none.</summary>
    public required string WorkloadName { get; init; }

    /// <summary>Metadata CLUSTER_ID; empty when unknown.</summary>
    public string ClusterId { get; init; } = "";

    /// <summary>Metadata HTTP_PROXY_PORT: the port of a forward proxy on loopback, before the mesh's own setting; null when not sent.</summary>
    public int? HttpProxyPort { get; init; }

    /// <summary>
    /// The proxy has a certificate of the mesh (SDS secrets <c>default</c> and <c>ROOTCA</c>), so it can speak mutual TLS: it came to the control plane
    /// with one, or says so in metadata WORKLOAD_IDENTITY (<c>true</c>), a key of Lateen for proxies that come another way. One without takes and
    /// sends plaintext.
    /// </summary>
    public bool HasIdentity { get; init; }

    /// <summary>Metadata GENERATOR is <c>grpc</c>: no proxy but a gRPC client that speaks xDS itself, and takes only what gRPC understands.</summary>
    public bool IsGrpc { get; init; }

    /// <summary>Reads a node. Null, with a reason, when the id is not of Istio's form.</summary>
    public static ProxyIdentity? Read(Node node, out string? reason)
    {
        ArgumentNullException.ThrowIfNull(node);
        reason = null;
        if (node.Id.Split('~') is not [var type, var ip, var qualified, _])
        {
            reason = $"the node id '{node.Id}' is not of the form type~ip~name.namespace~domain";
            return null;
        }

        if (type is not ("sidecar" or "router"))
        {
            reason = $"the node id '{node.Id}' is of type '{type}'; sidecar and router are served";
            return null;
        }

        int dot = qualified.LastIndexOf('.');
        string name = Text(node, "NAME") ?? (dot < 0 ? qualified : qualified[..dot]);
        string? ns = Text(node, "NAMESPACE") ?? (dot < 0 ? null : qualified[(dot + 1)..]);
        if (name.Length == 0 || string.IsNullOrEmpty(ns))
        {
            reason = $"the node id '{node.Id}' names no workload and namespace; write name.namespace as its third part";
            return null;
        }

        string? generator = Text(node, "GENERATOR");
        if (generator is not (null or "grpc"))
        {
            reason = $"the node '{node.Id}' asks for the generator '{generator}' (metadata GENERATOR); grpc is served, and none of that name for proxies";
            return null;
        }

        return new ProxyIdentity
        {
            IsGrpc = generator is not null,
            Type = type == "router" ? ProxyType.Router : ProxyType.Sidecar,
            Id = node.Id,
            Ip = ip,
            Name = name,
            Namespace = ns,
            Labels = LabelsOf(node),
            WorkloadName = Text(node, "WORKLOAD_NAME") ?? name,
            ClusterId = Text(node, "CLUSTER_ID") ?? "",
            HttpProxyPort = Port(node, "HTTP_PROXY_PORT"),
            // Mutual TLS of a client without a proxy is its own affair.
            HasIdentity = generator is null && Flag(node, "WORKLOAD_IDENTITY"),
        };
    }

    private static StringMap<string> LabelsOf(Node node)
    {
        if (node.Metadata?.Fields.TryGetValue("LABELS", out var labels) != true || labels!.KindCase != Value.KindOneofCase.StructValue)
            return StringMap<string>.Empty;
        return labels.StructValue.Fields
            .Where(field => field.Value.KindCase == Value.KindOneofCase.StringValue)
            .Select(field => KeyValuePair.Create(field.Key, field.Value.StringValue))
            .ToStringMap();
    }

    private static string? Text(Node node, string key) =>
        node.Metadata?.Fields.TryGetValue(key, out var value) == true && value.KindCase == Value.KindOneofCase.StringValue && value.StringValue.Length > 0
            ? value.StringValue
            : null;

    private static bool Flag(Node node, string key) =>
        node.Metadata?.Fields.TryGetValue(key, out var value) == true && value is { HasBoolValue: true, BoolValue: true } or { StringValue: "true" };

    /// <summary>Agents send numbers as strings or as numbers; both are read, and what is no port counts as not sent.</summary>
    private static int? Port(Node node, string key)
    {
        if (node.Metadata?.Fields.TryGetValue(key, out var value) != true) return null;
        int port = value!.KindCase switch
        {
            Value.KindOneofCase.NumberValue when value.NumberValue is >= 1 and <= 65535 => (int)value.NumberValue,
            Value.KindOneofCase.StringValue when int.TryParse(value.StringValue, NumberStyles.None, CultureInfo.InvariantCulture, out int number) => number,
            _ => 0,
        };
        return port is >= 1 and <= 65535 ? port : null;
    }
}
