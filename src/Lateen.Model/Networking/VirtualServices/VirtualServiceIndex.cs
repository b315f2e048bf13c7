using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>
/// The VirtualServices of a snapshot by gateway and by who may see them. Delegates are not in it: they live on in the roots that name them.
/// </summary>
public sealed class VirtualServiceIndex
{
    internal static readonly VirtualServiceIndex Empty = new([]);

    private readonly FrozenDictionary<string, Shelf> _byGateway;
    private readonly FrozenDictionary<string, ImmutableArray<BoundVirtualService>> _byHost;

    internal VirtualServiceIndex(ImmutableArray<BoundVirtualService> oldestFirst)
    {
        All = oldestFirst;
        var shelves = new Dictionary<string, ShelfBuilder>();
        var byHost = new Dictionary<string, ImmutableArray<BoundVirtualService>>();
        foreach (var virtualService in oldestFirst)
        {
            foreach (var gateway in virtualService.Gateways.Distinct())
            {
                if (!shelves.TryGetValue(gateway, out var shelf)) shelves.Add(gateway, shelf = new ShelfBuilder());
                shelf.Add(virtualService);
            }

            foreach (var host in virtualService.Hosts.Distinct())
                byHost[host] = byHost.TryGetValue(host, out var others) ? others.Add(virtualService) : [virtualService];
        }

        _byGateway = shelves.ToFrozenDictionary(pair => pair.Key, pair => pair.Value.Build());
        _byHost = byHost.ToFrozenDictionary();
    }

    /// <summary>Oldest first.</summary>
    public ImmutableArray<BoundVirtualService> All { get; }

    /// <summary>VirtualServices that name exactly this host (whole, lower case; wildcards by their text), oldest first.</summary>
    public ImmutableArray<BoundVirtualService> ByHost(string host) => _byHost.GetValueOrDefault(host, []);

    /// <summary>
    /// What a proxy of <paramref name="clientNamespace"/> sees on a gateway (<c>mesh</c> or <c>namespace/name</c>), in the order in which
    /// sidecars prefer them: those private to the namespace, those exported to it by name, the public ones; oldest first in each.
    /// </summary>
    public ImmutableArray<BoundVirtualService> VisibleTo(string clientNamespace, string gateway)
    {
        if (!_byGateway.TryGetValue(gateway, out var shelf)) return [];
        var own = shelf.Private.GetValueOrDefault(clientNamespace, []);
        var exported = shelf.Exported.GetValueOrDefault(clientNamespace, []);
        return own.IsEmpty && exported.IsEmpty ? shelf.Public : [.. own, .. exported, .. shelf.Public];
    }

    private sealed record Shelf(
        FrozenDictionary<string, ImmutableArray<BoundVirtualService>> Private,
        FrozenDictionary<string, ImmutableArray<BoundVirtualService>> Exported,
        ImmutableArray<BoundVirtualService> Public);

    private sealed class ShelfBuilder
    {
        private readonly Dictionary<string, List<BoundVirtualService>> _private = [];
        private readonly Dictionary<string, List<BoundVirtualService>> _exported = [];
        private readonly List<BoundVirtualService> _public = [];

        public void Add(BoundVirtualService virtualService)
        {
            var scope = virtualService.ExportTo;
            if (scope.IsPublic) _public.Add(virtualService);
            else if (scope.IsPrivateTo(virtualService.Namespace)) Put(_private, virtualService.Namespace, virtualService);
            else
                foreach (var name in scope.Namespaces) Put(_exported, name, virtualService);
        }

        public Shelf Build() => new(
            _private.ToFrozenDictionary(pair => pair.Key, pair => pair.Value.ToImmutableArray()),
            _exported.ToFrozenDictionary(pair => pair.Key, pair => pair.Value.ToImmutableArray()),
            [.. _public]);

        private static void Put(Dictionary<string, List<BoundVirtualService>> lists, string name, BoundVirtualService virtualService)
        {
            if (!lists.TryGetValue(name, out var list)) lists.Add(name, list = []);
            list.Add(virtualService);
        }
    }
}
