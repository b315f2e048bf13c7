using System.Collections.Immutable;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;

namespace Lateen.Translation.Security;

/// <summary>What the policies of a workload put into its inbound filter chains (a gateway's chains are all inbound).</summary>
/// <param name="Requests">Filters of an HTTP connection manager, behind the exchange of metadata and before everything else.</param>
/// <param name="Connections">Filters of a chain that carries connections as they are, before everything else.</param>
/// <param name="Authorizers">Whose clusters the filters ask.</param>
/// <param name="Selecting">Names the policies that mean this workload by its labels; empty: there are only those of its namespace or the mesh.</param>
/// <remarks>The messages are shared between chains and never changed.</remarks>
internal sealed record WorkloadSecurity(
    ImmutableArray<HttpFilter> Requests, ImmutableArray<Filter> Connections, ImmutableArray<ExternalAuthorizer> Authorizers, string Selecting, ImmutableArray<string> Notices)
{
    /// <summary>No policy concerns the workload, or the traffic is its own.</summary>
    public static readonly WorkloadSecurity None = new([], [], [], "", []);

    /// <summary>Puts the filters of connections in front of a chain that carries them as they are.</summary>
    public FilterChain Guard(FilterChain chain)
    {
        for (int i = 0; i < Connections.Length; i++) chain.Filters.Insert(i, Connections[i]);
        return chain;
    }
}
