using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>
/// The VirtualServices of a snapshot by gateway and by who may see them. Delegates are not in it: they live on in the roots that name them.
/// </summary>
/// <remarks>Who stands where is kept apart from what stands there: most changes are of routes alone, and then only the latter is new.</remarks>
public sealed class VirtualServiceIndex
{
    internal static readonly VirtualServiceIndex Empty = new([]);

    private readonly Order _order;

    internal VirtualServiceIndex(ImmutableArray<BoundVirtualService> oldestFirst)
        : this(oldestFirst, new Order(oldestFirst))
    {
    }

    private VirtualServiceIndex(ImmutableArray<BoundVirtualService> oldestFirst, Order order)
    {
        All = oldestFirst;
        _order = order;
    }

    /// <summary>Oldest first.</summary>
    public ImmutableArray<BoundVirtualService> All { get; }

    /// <summary>Some route of some VirtualService is left to another.</summary>
    internal bool HasDelegates => _order.HasDelegates;

    /// <summary>VirtualServices that name exactly this host (whole, lower case; wildcards by their text), oldest first.</summary>
    public ImmutableArray<BoundVirtualService> ByHost(string host) => At(_order.ByHost.GetValueOrDefault(host, []));

    /// <summary>
    /// What a proxy of <paramref name="clientNamespace"/> sees on a gateway (<c>mesh</c> or <c>namespace/name</c>), in the order in which
    /// sidecars prefer them: those private to the namespace, those exported to it by name, the public ones; oldest first in each.
    /// </summary>
    public ImmutableArray<BoundVirtualService> VisibleTo(string clientNamespace, string gateway) =>
        _order.ByGateway.TryGetValue(gateway, out var shelf)
            ? At([.. shelf.Private.GetValueOrDefault(clientNamespace, []), .. shelf.Exported.GetValueOrDefault(clientNamespace, []), .. shelf.Public])
            : [];

    /// <summary>The index in which some VirtualServices are replaced; null when that changes who stands where.</summary>
    /// <param name="replacements">Resources of this index, each once, and what now stands for them.</param>
    internal VirtualServiceIndex? With(IReadOnlyDictionary<Resource, BoundVirtualService> replacements)
    {
        var all = All.ToBuilder();
        int replaced = 0;
        for (int i = 0; i < all.Count && replaced < replacements.Count; i++)
        {
            if (!replacements.TryGetValue(all[i].Resource, out var after)) continue;
            if (!all[i].StandsLike(after)) return null;
            all[i] = after;
            replaced++;
        }

        return replaced == replacements.Count ? new VirtualServiceIndex(all.MoveToImmutable(), _order) : null;
    }

    private ImmutableArray<BoundVirtualService> At(ReadOnlySpan<int> places)
    {
        var found = ImmutableArray.CreateBuilder<BoundVirtualService>(places.Length);
        foreach (int place in places) found.Add(All[place]);
        return found.MoveToImmutable();
    }

    /// <summary>Who stands where: places in <see cref="All"/>, by gateway and by host. A function of <see cref="BoundVirtualService.StandsLike"/>'s inputs alone.</summary>
    private sealed class Order
    {
        public Order(ImmutableArray<BoundVirtualService> oldestFirst)
        {
            var shelves = new Dictionary<string, ShelfBuilder>();
            var byHost = new Dictionary<string, int[]>();
            for (int place = 0; place < oldestFirst.Length; place++)
            {
                var virtualService = oldestFirst[place];
                HasDelegates |= virtualService.HasDelegates;
                foreach (var gateway in virtualService.Gateways.Distinct())
                {
                    if (!shelves.TryGetValue(gateway, out var shelf)) shelves.Add(gateway, shelf = new ShelfBuilder());
                    shelf.Add(virtualService, place);
                }

                foreach (var host in virtualService.Hosts.Distinct())
                    byHost[host] = byHost.TryGetValue(host, out var others) ? [.. others, place] : [place];
            }

            ByGateway = shelves.ToFrozenDictionary(pair => pair.Key, pair => pair.Value.Build());
            ByHost = byHost.ToFrozenDictionary();
        }

        public FrozenDictionary<string, Shelf> ByGateway { get; }

        public FrozenDictionary<string, int[]> ByHost { get; }

        public bool HasDelegates { get; }
    }

    private sealed record Shelf(FrozenDictionary<string, int[]> Private, FrozenDictionary<string, int[]> Exported, int[] Public);

    private sealed class ShelfBuilder
    {
        private readonly Dictionary<string, List<int>> _private = [];
        private readonly Dictionary<string, List<int>> _exported = [];
        private readonly List<int> _public = [];

        public void Add(BoundVirtualService virtualService, int place)
        {
            var scope = virtualService.ExportTo;
            if (scope.IsPublic) _public.Add(place);
            else if (scope.IsPrivateTo(virtualService.Namespace)) Put(_private, virtualService.Namespace, place);
            else
                foreach (var name in scope.Namespaces) Put(_exported, name, place);
        }

        public Shelf Build() => new(
            _private.ToFrozenDictionary(pair => pair.Key, pair => pair.Value.ToArray()),
            _exported.ToFrozenDictionary(pair => pair.Key, pair => pair.Value.ToArray()),
            [.. _public]);

        private static void Put(Dictionary<string, List<int>> lists, string name, int place)
        {
            if (!lists.TryGetValue(name, out var list)) lists.Add(name, list = []);
            list.Add(place);
        }
    }
}
