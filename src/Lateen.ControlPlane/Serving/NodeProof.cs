using Google.Protobuf.WellKnownTypes;
using Lateen.Identity;
using Lateen.Translation;
using Lateen.Xds.Server;

namespace Lateen.ControlPlane.Serving;

/// <summary>
/// Holds what a node says of itself against what its certificate proves: on a connection of mutual TLS a proxy gets the configuration of its own namespace and
/// service account, whatever it writes into its node. On the plaintext port nothing is proven and nothing compared.
/// </summary>
internal static class NodeProof
{
    /// <summary>Why the node may not be served; null when it may.</summary>
    public static string? Fault(IXdsStream stream, ProxyIdentity node)
    {
        if (stream.PeerIdentity is not { } proven) return null;
        if (!SpiffeId.TryParse(proven, out var identity, out string? reason)) return reason;
        if (node.Namespace != identity.Namespace) return $"{identity} says that it is of another namespace than its certificate (metadata NAMESPACE)";
        string account = stream.Node.Metadata?.Fields.TryGetValue("SERVICE_ACCOUNT", out var value) == true && value.KindCase == Value.KindOneofCase.StringValue ? value.StringValue : "";
        return account == identity.ServiceAccount ? null : $"{identity} says that it has another service account than its certificate, or none (metadata SERVICE_ACCOUNT)";
    }
}
