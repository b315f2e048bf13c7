using Lateen.Model;
using Lateen.Model.Security;
using Lateen.Translation.Gateways;
using Lateen.Translation.Grpc;
using Lateen.Translation.Inbound;
using Lateen.Translation.Outbound;
using Lateen.Translation.Secrets;
using Lateen.Translation.Security;

namespace Lateen.Translation;

/// <summary>
/// Turns a snapshot of the mesh into what each proxy is to hold. The result is a function of the snapshot and the proxy alone: no clock, no IO, no
/// environment, and equal inputs give equal bytes. What it remembers between calls only saves work: resources whose inputs did not change come back
/// as the same objects.
/// </summary>
/// <remarks>
/// <para>Not thread-safe: one worker owns a translator. The results are immutable and may go anywhere.</para>
/// <para>A round is one pass over all proxies with one snapshot; <see cref="EndRound"/> closes it and forgets what no proxy asked for.</para>
/// </remarks>
public sealed class Translator
{
    private readonly OutboundTranslation _outbound = new();
    private readonly GatewayTranslation _gateways;
    private readonly GrpcTranslation _grpc = new();
    private readonly SecurityTranslation _security;

    public Translator()
    {
        _gateways = new GatewayTranslation(_outbound.Memos);
        _security = new SecurityTranslation(_outbound.Memos);
    }

    /// <summary>How many virtual hosts, clusters and endpoint sets are remembered: bounded by what the proxies of the last round held.</summary>
    public (int VirtualHosts, int Clusters, int EndpointSets) Remembered => _outbound.Counts;

    /// <summary>The same of clients that speak gRPC without a proxy: route tables, ports and endpoint sets.</summary>
    public (int Tables, int Ports, int EndpointSets) RememberedForGrpc => _grpc.Counts;

    /// <summary>How many workloads' security filters are remembered.</summary>
    public int RememberedForSecurity => _security.Count;

    /// <param name="keys">The keys of issuers that were fetched; null: none were, and tokens of rules that do not bring their keys are refused.</param>
    public ProxyResources Translate(MeshSnapshot snapshot, ProxyIdentity proxy, FetchedKeySets? keys = null)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(proxy);
        if (proxy.IsGrpc) return _grpc.Translate(snapshot, proxy);
        var security = _security.Of(snapshot, proxy, keys ?? FetchedKeySets.None);
        var resources = proxy.Type == ProxyType.Router ? _gateways.Translate(snapshot, proxy, security) : Sidecar(snapshot, proxy, security);
        return WithBlackHole(_security.WithAuthorizers(snapshot, proxy, security, resources));
    }

    /// <summary>Ends a round.</summary>
    public void EndRound()
    {
        _outbound.EndRound();
        _security.EndRound();
        _grpc.EndRound();
    }

    private ProxyResources Sidecar(MeshSnapshot snapshot, ProxyIdentity proxy, WorkloadSecurity security)
    {
        var sidecar = snapshot.Sidecars.For(proxy.Namespace, proxy.Labels);
        var outbound = _outbound.Translate(snapshot, proxy, sidecar);
        var clusters = outbound.Clusters.ToBuilder();
        var listeners = outbound.Listeners.ToBuilder();
        var notices = outbound.Notices.ToBuilder();
        var asked = new HashSet<SecretReference>();
        InboundTranslation.Add(snapshot, proxy, sidecar, security, clusters, listeners, asked, notices);
        if (security.Selecting.Length > 0 && (sidecar is null || sidecar.Spec.Ingress.IsEmpty))
            notices.Add($"{security.Selecting}: enforced nowhere, for no Sidecar gives this workload an ingress listener, and traffic is not captured");
        asked.RemoveWhere(secret => outbound.Secrets.Any(known => known.Name == secret.Name));
        return outbound with
        {
            Clusters = clusters.ToImmutable(),
            Listeners = listeners.ToImmutable(),
            Secrets = outbound.Secrets.AddRange(ProxySecrets.Of(snapshot, proxy.Namespace, asked, notices)),
            Notices = notices.ToImmutable(),
        };
    }

    private static ProxyResources WithBlackHole(ProxyResources resources) =>
        resources with { Clusters = resources.Clusters.Add(OutboundClusters.BlackHole) };
}
