using Envoy.Extensions.TransportSockets.Tls.V3;

namespace Lateen.Proxy.Identity;

/// <summary>The secrets that a proxy with an identity has of its own, by the names that Istio gives them.</summary>
internal static class IdentitySecrets
{
    /// <summary>The cluster under which Istio's sidecars ask their agent for them.</summary>
    public const string Cluster = "sds-grpc";

    /// <summary>The workload's certificate with its key.</summary>
    public const string Certificate = "default";

    /// <summary>What certificates of the mesh are verified with.</summary>
    public const string Roots = "ROOTCA";

    /// <summary>Null: there is no such secret.</summary>
    public static Secret.TypeOneofCase? KindOf(string name) => name switch
    {
        Certificate => Secret.TypeOneofCase.TlsCertificate,
        Roots => Secret.TypeOneofCase.ValidationContext,
        _ => null,
    };
}
