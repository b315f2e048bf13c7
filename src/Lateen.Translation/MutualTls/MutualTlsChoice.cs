using Lateen.Model;
using Lateen.Model.Networking;

namespace Lateen.Translation.MutualTls;

/// <summary>What a client speaks to the endpoints of a cluster, as far as the mesh's mutual TLS goes.</summary>
internal enum MutualTlsUse
{
    /// <summary>None of it: plaintext, or what a DestinationRule says.</summary>
    None,

    /// <summary>To each endpoint that takes it.</summary>
    PerEndpoint,

    /// <summary>To every endpoint, because a DestinationRule says so.</summary>
    Always,

    /// <summary>A DestinationRule says so, and the client has no identity to do it with: nothing is sent, for a rule that says TLS must not end in plaintext.</summary>
    Impossible,
}

/// <summary>Chooses between a DestinationRule, which goes first, and what the endpoints take.</summary>
internal static class MutualTlsChoice
{
    public static MutualTlsUse Of(ClientTlsSettings? rule, bool hasIdentity, MeshConfig mesh, MeshService service, ServerIdentities servers)
    {
        if (rule is { Mode: ClientTlsMode.IstioMutual }) return hasIdentity ? MutualTlsUse.Always : MutualTlsUse.Impossible;
        return rule is null && hasIdentity && mesh.EnableAutoMtls && !service.IsExternal && servers.Any ? MutualTlsUse.PerEndpoint : MutualTlsUse.None;
    }

    /// <summary>Istio's server name of a cluster: <c>outbound_.9080_.v1_.reviews.shop.svc.cluster.local</c>.</summary>
    public static string ServerName(int port, string? subset, string hostname) => $"outbound_.{port}_.{subset}_.{hostname}";
}
