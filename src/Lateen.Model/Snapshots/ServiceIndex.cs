using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Lateen.Model;

/// <summary>The services of a snapshot.</summary>
public sealed class ServiceIndex
{
    internal static readonly ServiceIndex Empty = new([]);

    private readonly FrozenDictionary<string, ImmutableArray<MeshService>> _byHost;

    internal ServiceIndex(ImmutableArray<MeshService> inOrder)
    {
        All = inOrder;
        var byHost = new Dictionary<string, ImmutableArray<MeshService>>(inOrder.Length);
        foreach (var service in inOrder)
            byHost[service.Hostname] = byHost.TryGetValue(service.Hostname, out var others) ? others.Add(service) : [service];
        _byHost = byHost.ToFrozenDictionary();
    }

    /// <summary>In order of <see cref="ServiceKey"/>: host name, then namespace.</summary>
    public ImmutableArray<MeshService> All { get; }

    /// <summary>All services of a host name (whole, lower case), by namespace.</summary>
    public ImmutableArray<MeshService> ByHost(string hostname) => _byHost.GetValueOrDefault(hostname, []);

    public MeshService? Get(ServiceKey key)
    {
        foreach (var service in ByHost(key.Hostname))
            if (service.Namespace == key.Namespace) return service;
        return null;
    }

    /// <summary>The service that a client means by a host name: one that it may see, of its own namespace, else a core Service, else the
    /// oldest; null when there is none.</summary>
    public MeshService? Find(string hostname, string clientNamespace)
    {
        MeshService? best = null;
        foreach (var service in ByHost(hostname))
        {
            if (!service.ExportTo.IsVisibleTo(clientNamespace)) continue;
            if (best is null || IsPreferred(service, best, clientNamespace)) best = service;
        }

        return best;
    }

    /// <summary>What is exported to a namespace, in host order; a host name may occur more than once.</summary>
    public IEnumerable<MeshService> VisibleTo(string clientNamespace) =>
        All.Where(service => service.ExportTo.IsVisibleTo(clientNamespace));

    /// <summary>True when <paramref name="candidate"/> goes before <paramref name="other"/>, both of one host name.</summary>
    internal static bool IsPreferred(MeshService candidate, MeshService other, string clientNamespace)
    {
        var own = (candidate.Namespace == clientNamespace).CompareTo(other.Namespace == clientNamespace);
        if (own != 0) return own > 0;
        var kubernetes = candidate.IsKubernetes.CompareTo(other.IsKubernetes);
        if (kubernetes != 0) return kubernetes > 0;
        var age = candidate.CreatedAt.CompareTo(other.CreatedAt);
        return age != 0 ? age < 0 : candidate.Key.CompareTo(other.Key) < 0;
    }
}
