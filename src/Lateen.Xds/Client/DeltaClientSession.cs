using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Service.Discovery.V3;

namespace Lateen.Xds.Client;

/// <summary>
/// Incremental xDS: subscriptions travel as differences, each resource has its own version, removals are said. On a new stream the
/// first request of a type names all wishes and the versions held, so that the server sends only what differs.
/// </summary>
internal sealed class DeltaClientSession(Node node) : ClientSession<DeltaDiscoveryRequest, DeltaDiscoveryResponse>(node)
{
    protected override string TypeUrlOf(DeltaDiscoveryResponse response) => response.TypeUrl;

    protected override string NonceOf(DeltaDiscoveryResponse response) => response.Nonce;

    protected override XdsUpdate Interpret(ClientSubscription subscription, DeltaDiscoveryResponse response, List<XdsRejection> faults)
    {
        var changed = ImmutableArray.CreateBuilder<XdsResource>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (Resource resource in response.Resources)
        {
            if (resource.Name.Length > 0 && !subscription.Wants(resource.Name))
            {
                continue;
            }

            if (resource.Name.Length == 0)
            {
                faults.Add(new XdsRejection(string.Empty, "a resource has no name"));
            }
            else if (!seen.Add(resource.Name))
            {
                faults.Add(new XdsRejection(resource.Name, "the response holds this name twice"));
            }
            else if (resource.Resource_?.TypeUrl != response.TypeUrl)
            {
                faults.Add(new XdsRejection(resource.Name, $"the resource is a '{resource.Resource_?.TypeUrl}' in a response of '{response.TypeUrl}'"));
            }
            else if (!subscription.HeldVersions.TryGetValue(resource.Name, out string? held) || held != resource.Version || held.Length == 0)
            {
                changed.Add(new XdsResource(resource.Name, resource.Version, resource.Resource_.Value));
            }
        }

        IEnumerable<string> removed = response.RemovedResources
            .Where(name => subscription.Names.Contains(name) || (subscription.IsWildcard && subscription.HeldVersions.ContainsKey(name)))
            .Where(name => !seen.Contains(name))
            .Distinct(StringComparer.Ordinal);
        return new XdsUpdate(response.TypeUrl, response.SystemVersionInfo, changed.ToImmutable(), [.. removed]);
    }

    protected override void Hold(ClientSubscription subscription, XdsResource resource) =>
        subscription.HeldVersions[resource.Name] = resource.Version;

    protected override void OnWildcard(ClientSubscription subscription)
    {
        if (subscription.IsStarted)
        {
            subscription.Added.Add("*");
        }
    }

    protected override void OnSubscribed(ClientSubscription subscription, string name)
    {
        // Given up and wanted again before the server was told: a repeated subscription makes it send the resource again.
        subscription.Dropped.Remove(name);
        subscription.Added.Add(name);
    }

    protected override void OnUnsubscribed(ClientSubscription subscription, string name)
    {
        subscription.Added.Remove(name);
        subscription.Dropped.Add(name);
    }

    protected override DeltaDiscoveryRequest? TakeSubscription(ClientSubscription subscription, bool withNode)
    {
        if (!subscription.IsStarted)
        {
            return subscription.IsWanted ? TakeFirst(subscription, withNode) : null;
        }

        if (subscription.Added.Count == 0 && subscription.Dropped.Count == 0)
        {
            return null;
        }

        var request = new DeltaDiscoveryRequest
        {
            TypeUrl = subscription.TypeUrl,
            ResourceNamesSubscribe = { subscription.Added },
            ResourceNamesUnsubscribe = { subscription.Dropped },
        };
        subscription.Added.Clear();
        subscription.Dropped.Clear();
        return request;
    }

    protected override DeltaDiscoveryRequest? TakeAnswer(ClientSubscription subscription)
    {
        // Each response is answered by its nonce, so one that waits holds up no other.
        if (subscription.Answers.Find(static answer => answer.IsDue) is not { } answer)
        {
            return null;
        }

        subscription.Answers.Remove(answer);
        return new DeltaDiscoveryRequest
        {
            TypeUrl = subscription.TypeUrl,
            ResponseNonce = answer.Nonce,
            ErrorDetail = answer.Reason is null ? null : ToStatus(answer.Reason),
        };
    }

    private DeltaDiscoveryRequest TakeFirst(ClientSubscription subscription, bool withNode)
    {
        subscription.IsStarted = true;
        subscription.Added.Clear();
        subscription.Dropped.Clear();
        var request = new DeltaDiscoveryRequest
        {
            TypeUrl = subscription.TypeUrl,
            Node = withNode ? Node : null,
            InitialResourceVersions = { subscription.HeldVersions },
        };

        // A first request without names asks for all listeners or clusters; "*" is needed elsewhere and beside names.
        if (subscription.IsWildcard && (subscription.Names.Count > 0 || !XdsTypeUrls.IsWildcardType(subscription.TypeUrl)))
        {
            request.ResourceNamesSubscribe.Add("*");
        }

        request.ResourceNamesSubscribe.AddRange(subscription.Names);
        return request;
    }
}
