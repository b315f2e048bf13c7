using System.Collections.Immutable;
using Envoy.Config.Listener.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Connections;
using Lateen.Translation.Naming;
using Lateen.Translation.Routing;
using Lateen.Translation.Secrets;
using Lateen.Xds;

namespace Lateen.Translation.Outbound;

/// <summary>For whom outbound configuration is made. Proxies with equal views share one result.</summary>
/// <param name="Egress">The Sidecar whose egress part applies; null when everything that is visible is imported.</param>
/// <param name="HttpProxyPort">0 for none.</param>
/// <param name="Labels">Null when nothing in the mesh asks for labels of a client.</param>
/// <param name="HasIdentity">The client can speak mutual TLS.</param>
internal sealed record OutboundView(string Namespace, Resource<Sidecar>? Egress, int HttpProxyPort, StringMap<string>? Labels, bool HasIdentity);

/// <summary>Makes the outbound half of a sidecar's configuration.</summary>
internal sealed class OutboundTranslation
{
    private readonly OutboundMemos _memos = new();
    private readonly Dictionary<OutboundView, ProxyResources> _views = [];
    private readonly Dictionary<(OutboundView View, string Table), LastTable> _tables = [];
    private readonly Dictionary<OutboundView, ScopeClusters> _clusters = [];
    private MeshSnapshot _snapshot = MeshSnapshot.Empty;
    private bool _asksForLabels;

    /// <summary>The memo's size, for tests and the debug page.</summary>
    public (int VirtualHosts, int Clusters, int EndpointSets) Counts => _memos.Counts;

    public OutboundMemos Memos => _memos;

    public ProxyResources Translate(MeshSnapshot snapshot, ProxyIdentity proxy, Resource<Sidecar>? sidecar)
    {
        if (!ReferenceEquals(snapshot, _snapshot)) Begin(snapshot);
        bool hasEgress = sidecar is { Spec: { Egress.IsEmpty: false } or { OutboundTrafficPolicy: not null } };
        var view = new OutboundView(
            proxy.Namespace, hasEgress ? sidecar : null, proxy.HttpProxyPort ?? snapshot.Mesh.ProxyHttpPort ?? 0, _asksForLabels ? proxy.Labels : null, proxy.HasIdentity);
        if (_views.TryGetValue(view, out var known)) return known;
        return _views[view] = Make(snapshot, view);
    }

    private void Begin(MeshSnapshot snapshot)
    {
        _snapshot = snapshot;
        _views.Clear();
        _asksForLabels = AsksForLabels(snapshot);
    }

    /// <summary>True when some rule means only clients with certain labels; else all clients of a namespace are alike.</summary>
    public static bool AsksForLabels(MeshSnapshot snapshot) =>
        snapshot.VirtualServices.All.Any(static service => service.AsksForLabels)
        || snapshot.Resources(ResourceKind.DestinationRule).Any(rule => rule is Resource<DestinationRule> { Spec.WorkloadSelector: not null });

    /// <summary>Ends a round over all proxies: what nobody asked for is forgotten.</summary>
    public void EndRound()
    {
        _memos.EndRound();
        foreach (var key in _tables.Keys.Where(key => !_views.ContainsKey(key.View)).ToList()) _tables.Remove(key);
        foreach (var view in _clusters.Keys.Where(view => !_views.ContainsKey(view)).ToList()) _clusters.Remove(view);
    }

    private ProxyResources Make(MeshSnapshot snapshot, OutboundView view)
    {
        var scope = SidecarScope.Of(snapshot, view.Namespace, view.Egress);
        var clusters = Clusters(snapshot, view, scope);
        var listeners = ImmutableArray.CreateBuilder<XdsResource>();
        var routes = ImmutableArray.CreateBuilder<XdsResource>();
        var notices = ImmutableArray.CreateBuilder<string>();
        notices.AddRange(clusters.Notices);
        foreach (var egress in scope.Egress)
        {
            if (egress.Listener?.Port is { } port) AddPortListener(snapshot, view, scope, egress, port, listeners, routes, notices);
            else if (view.HttpProxyPort > 0)
            {
                listeners.Add(Listeners.Routed(TrafficSide.Outbound, "127.0.0.1", view.HttpProxyPort, PortProtocol.HttpProxy, "http_proxy", snapshot.Mesh, view.HasIdentity));
                routes.Add(Table(snapshot, view, scope, egress, "http_proxy", listenerPort: 0));
            }
        }

        if (listeners.Count == 0)
        {
            notices.Add("no outbound listener: traffic capture is not supported yet; set HTTP_PROXY_PORT in the proxy's node metadata, proxyHttpPort in "
                + "the mesh settings, or give the Sidecar an egress listener with a port");
        }

        var made = ProxySecrets.Of(snapshot, view.Namespace, clusters.Secrets, notices);
        return new ProxyResources(clusters.Clusters.ToImmutable(), clusters.Endpoints.ToImmutable(), listeners.ToImmutable(), routes.ToImmutable(), notices.ToImmutable())
        {
            Secrets = made,
        };
    }

    private ScopeClusters Clusters(MeshSnapshot snapshot, OutboundView view, SidecarScope scope)
    {
        if (_clusters.TryGetValue(view, out var last) && last.StandsFor(snapshot, scope)) last.Keep(_memos);
        else _clusters[view] = last = MakeClusters(snapshot, view, scope);
        return last;
    }

    private ScopeClusters MakeClusters(MeshSnapshot snapshot, OutboundView view, SidecarScope scope)
    {
        var all = new ScopeClusters(snapshot, scope);
        var notices = all.Notices;
        foreach (var service in scope.Services)
        {
            if (!OutboundClusters.IsReachable(service))
            {
                notices.Add($"{service.Hostname} of namespace {service.Namespace} is not served: in the explicit way a name that stands for many cannot be connected to");
                continue;
            }

            var rule = snapshot.DestinationRules.For(service, view.Namespace, view.Labels ?? StringMap<string>.Empty);
            if (rule is { TrafficPolicy.LoadBalancer.Simple: SimpleLoadBalancer.Passthrough })
                notices.Add($"{service.Hostname}: the PASSTHROUGH balancer of DestinationRule {rule.Sources[0].Key} is not supported yet; LEAST_REQUEST is used");
            var known = snapshot.EndpointsOf(service);
            foreach (var port in service.Ports)
            {
                if (port.Protocol == PortProtocol.Udp)
                {
                    notices.Add($"{service.Hostname}:{port.Number} is UDP, which is not carried");
                    continue;
                }

                if (!CarriesHttp(port) && !scope.Egress.Any(egress => egress.Listener?.Port is { } own && own.Number == port.Number && egress.Services.Contains(service)))
                {
                    notices.Add($"{service.Hostname}:{port.Number} is {Name(port.Protocol)}, and no egress listener leads there: in the explicit way a client of "
                        + "anything but HTTP needs a local port; give the Sidecar an egress listener with that port");
                }

                var slot = new ClusterSlot(service, port.Number, rule, view.HasIdentity);
                var made = _memos.Clusters(slot, snapshot.Mesh, port, known);
                all.Add(slot, made, _memos, known);
                if (made.LacksIdentity) notices.Add(OutboundClusters.LacksIdentity(service, port, rule!));
                AddSecrets(made, service, rule, all.Secrets, notices);
            }
        }

        return all;
    }

    /// <summary>
    /// Credentials are for gateways, and for the sidecars that a rule selects. Istio sends plaintext from the others; here they ask for a secret that
    /// they do not get, for a rule that says TLS must not end in plaintext.
    /// </summary>
    private static void AddSecrets(
        PortClusters made, MeshService service, EffectiveDestinationRule? rule, HashSet<SecretReference> secrets, ImmutableArray<string>.Builder notices)
    {
        foreach (var secret in made.Secrets)
        {
            if (secret.Source is SecretSource.CertificateFiles or SecretSource.RootFile || rule?.WorkloadSelector is not null) secrets.Add(secret);
            else
            {
                string notice = $"{service.Hostname}: DestinationRule {rule!.Sources[0].Key} names a credential and no workloadSelector, so sidecars do not get "
                    + "it: their connections are refused";
                if (!notices.Contains(notice)) notices.Add(notice);
            }
        }
    }

    /// <summary>Declared HTTP, or nothing declared: in the explicit way a client that speaks to an HTTP proxy has said what it speaks.</summary>
    private static bool CarriesHttp(MeshServicePort port) => port.Protocol.IsHttp() || port.Protocol == PortProtocol.Unsupported;

    private void AddPortListener(
        MeshSnapshot snapshot, OutboundView view, SidecarScope scope, EgressScope egress, SidecarPort port,
        ImmutableArray<XdsResource>.Builder listeners, ImmutableArray<XdsResource>.Builder routes, ImmutableArray<string>.Builder notices)
    {
        string bind = Listeners.Bind(egress.Listener!.Bind, "127.0.0.1");
        if (port.Protocol == PortProtocol.Udp)
        {
            notices.Add($"egress listener {Listeners.Name(bind, port.Number)} is UDP, which is not carried");
            return;
        }

        var chains = ConnectionChains(snapshot, view, egress, port, notices);
        var inspection = chains.Any(chain => chain.FilterChainMatch?.ServerNames.Count > 0) ? Inspection.Tls : Inspection.None;
        if (port.Protocol.IsHttp() || port.Protocol == PortProtocol.Unsupported)
        {
            string table = TableName(egress, port, bind);
            routes.Add(Table(snapshot, view, scope, egress, table, port.Protocol == PortProtocol.HttpProxy ? 0 : port.Number));
            var http = Listeners.RoutedChain(TrafficSide.Outbound, bind, port.Number, port.Protocol, table, snapshot.Mesh, view.HasIdentity);
            listeners.Add(chains.Count > 0
                ? Listeners.Sniffing(TrafficSide.Outbound, bind, port.Number, http, chains, snapshot.Mesh)
                : Listeners.Of(TrafficSide.Outbound, bind, port.Number, [http], Inspection.None));
            return;
        }

        if (chains.Count > 0) listeners.Add(Listeners.Of(TrafficSide.Outbound, bind, port.Number, chains, inspection));
        else notices.Add($"egress listener {Listeners.Name(bind, port.Number)} is left out: none of its hosts has the port {port.Number}");
    }

    /// <summary>A table is named by its port; that of a port of unknown protocol by its service as well, where there is only one (Istio's names).</summary>
    private static string TableName(EgressScope egress, SidecarPort port, string bind)
    {
        if (bind.StartsWith('/')) return bind;
        return port.Protocol == PortProtocol.Unsupported && egress.Services is [var only] ? $"{only.Hostname}:{port.Number}" : $"{port.Number}";
    }

    /// <summary>The chains beside HTTP: of a port of unknown protocol, whatever the proxy does not find to be HTTP.</summary>
    private static List<FilterChain> ConnectionChains(
        MeshSnapshot snapshot, OutboundView view, EgressScope egress, SidecarPort port, ImmutableArray<string>.Builder notices)
    {
        if (port.Protocol.IsHttp()) return [];
        var chosen = SidecarRoutes.Select(egress.Services, egress.VirtualServices);
        var chains = new OutboundChains(snapshot, view, egress, chosen, port.Number, notices);
        return port.Protocol.IsTls() ? chains.ByServerName() : chains.Opaque();
    }

    private static string Name(PortProtocol protocol) => ProtocolSelection.NameOf(protocol).ToUpperInvariant();

    /// <param name="listenerPort">0 for a forward proxy, which serves every port of every service.</param>
    private XdsResource Table(MeshSnapshot snapshot, OutboundView view, SidecarScope scope, EgressScope egress, string name, int listenerPort)
    {
        if (!_tables.TryGetValue((view, name), out var last)) _tables[(view, name)] = last = new LastTable();
        var entries = Entries(snapshot, view, egress, last.Choose(egress), listenerPort);
        // A local port that leads to one service only: whoever connects there means that service, whatever host it writes.
        bool isDedicated = listenerPort > 0 && entries.Count == 1;
        var granted = last.Claims.Settle([.. entries.Select(entry => entry.Domains)]);
        var hosts = new List<SerializedVirtualHost>(entries.Count + 1);
        for (int i = 0; i < entries.Count; i++)
        {
            if (granted[i].IsEmpty) continue;
            var domains = isDedicated ? granted[i].Add("*") : granted[i];
            hosts.Add(_memos.VirtualHost(snapshot, entries[i].Slot, entries[i].VirtualService, domains));
        }

        if (!isDedicated) hosts.Add(CatchAll(snapshot, view, scope));
        return last.Assemble(name, hosts);
    }

    private List<Entry> Entries(MeshSnapshot snapshot, OutboundView view, EgressScope egress, SidecarRoutes chosen, int listenerPort)
    {
        var entries = new List<Entry>(egress.Services.Length);
        foreach (var service in egress.Services)
        {
            if (!OutboundClusters.IsReachable(service)) continue;
            var virtualService = chosen.For(service);
            int httpPorts = 0;
            foreach (var port in service.Ports) httpPorts += CarriesHttp(port) ? 1 : 0;
            foreach (var port in service.Ports)
            {
                if (!CarriesHttp(port) || (listenerPort > 0 && port.Number != listenerPort)) continue;
                // A bare name means port 80, or the only port that there is.
                bool withoutPort = listenerPort > 0 || port.Number == 80 || httpPorts == 1;
                var domains = _memos.Domains(new DomainSlot(service, port.Number, view.Namespace, withoutPort), snapshot.Mesh.ClusterDomain);
                entries.Add(new Entry(
                    new VirtualHostSlot(service.Hostname, service, port.Number, listenerPort, view.Namespace, Labels(view, virtualService)), virtualService, domains));
            }
        }

        if (listenerPort is not (0 or 80)) return entries;
        foreach (var unknown in chosen.UnknownHosts)
        {
            entries.Add(new Entry(
                new VirtualHostSlot(unknown.Host, null, 80, listenerPort, view.Namespace, Labels(view, unknown.VirtualService)),
                unknown.VirtualService, _memos.UnknownDomains(unknown.Host)));
        }

        return entries;
    }

    private static StringMap<string>? Labels(OutboundView view, BoundVirtualService? virtualService) =>
        view.Labels is not null && virtualService is { HttpAsksForLabels: true } ? view.Labels : null;

    private static SerializedVirtualHost CatchAll(MeshSnapshot snapshot, OutboundView view, SidecarScope scope)
    {
        if (view.Egress?.Spec.OutboundTrafficPolicy?.EgressProxy is not { } proxy) return OutboundVirtualHosts.BlockAll;
        string host = HostName.Resolve(proxy.Host, view.Egress.Namespace, snapshot.Mesh.ClusterDomain);
        var service = scope.Services.FirstOrDefault(service => service.Hostname == host);
        int port = proxy.Port ?? (service is { Ports: [var only] } ? only.Number : 80);
        return OutboundVirtualHosts.AllowAny(ClusterNames.Outbound(port, proxy.Subset, host));
    }

    private readonly record struct Entry(VirtualHostSlot Slot, BoundVirtualService? VirtualService, ImmutableArray<string> Domains);
}
