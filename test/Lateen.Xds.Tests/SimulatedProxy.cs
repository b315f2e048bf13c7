using Lateen.Xds.Client;
using static Lateen.Xds.Tests.XdsSamples;

namespace Lateen.Xds.Tests;

/// <summary>
/// A consumer that behaves as a proxy does: clusters call for their endpoints, listeners for their routes. It notes what would have
/// failed a request: a route to a cluster that is not there, or to one whose endpoints have not come.
/// </summary>
internal sealed class SimulatedProxy(Action<string, string> subscribe, Action<string, string> unsubscribe)
{
    public Dictionary<string, Dictionary<string, XdsResource>> Held { get; } = XdsTypeUrls.InOrder.ToArray().ToDictionary(
        static typeUrl => typeUrl,
        static _ => new Dictionary<string, XdsResource>(StringComparer.Ordinal));

    public List<string> Outages { get; } = [];

    /// <summary>Refuses a resource when it says a reason.</summary>
    public Func<string, XdsResource, string?> Judge { get; set; } = static (_, _) => null;

    public IReadOnlyList<XdsRejection> Apply(XdsUpdate update)
    {
        var rejections = new List<XdsRejection>();
        Dictionary<string, XdsResource> held = Held[update.TypeUrl];
        foreach (XdsResource resource in update.Changed)
        {
            if (Judge(update.TypeUrl, resource) is { } reason)
            {
                rejections.Add(new XdsRejection(resource.Name, reason));
            }
            else
            {
                held[resource.Name] = resource;
            }
        }

        foreach (string name in update.Removed)
        {
            held.Remove(name);
        }

        Follow();
        FindOutages(update.TypeUrl);
        return rejections;
    }

    private void Follow()
    {
        Keep(XdsTypeUrls.ClusterLoadAssignment, Held[XdsTypeUrls.Cluster].Keys);
        Keep(XdsTypeUrls.RouteConfiguration, Held[XdsTypeUrls.Listener].Values.Select(RouteNameOf));
    }

    private readonly Dictionary<string, HashSet<string>> _subscribed = new()
    {
        [XdsTypeUrls.ClusterLoadAssignment] = [],
        [XdsTypeUrls.RouteConfiguration] = [],
    };

    private void Keep(string typeUrl, IEnumerable<string> names)
    {
        var wanted = names.ToHashSet(StringComparer.Ordinal);
        HashSet<string> known = _subscribed[typeUrl];
        foreach (string name in wanted.Except(known).ToList())
        {
            known.Add(name);
            subscribe(typeUrl, name);
        }

        foreach (string name in known.Except(wanted).ToList())
        {
            known.Remove(name);
            Held[typeUrl].Remove(name);
            unsubscribe(typeUrl, name);
        }
    }

    private void FindOutages(string typeUrl)
    {
        foreach (XdsResource routes in Held[XdsTypeUrls.RouteConfiguration].Values)
        {
            foreach (string cluster in ClustersOf(routes))
            {
                if (!Held[XdsTypeUrls.Cluster].ContainsKey(cluster))
                {
                    Outages.Add($"after {XdsTypeUrls.ShortName(typeUrl)}: {routes.Name} routes to {cluster}, which is not there");
                }
                else if (!Held[XdsTypeUrls.ClusterLoadAssignment].ContainsKey(cluster))
                {
                    Outages.Add($"after {XdsTypeUrls.ShortName(typeUrl)}: {routes.Name} routes to {cluster}, whose endpoints have not come");
                }
            }
        }
    }
}
