using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Xds.Wire;

namespace Lateen.Xds.Client;

/// <summary>
/// State-of-the-world xDS: every request repeats all names, the last accepted version and the last nonce; a response of listeners or
/// clusters is the whole set. What changed is found by comparing bytes with those held.
/// </summary>
internal sealed class SotwClientSession(Node node) : ClientSession<DiscoveryRequest, DiscoveryResponse>(node)
{
    private static readonly string WrapperTypeUrl = XdsTypeUrls.Prefix + "envoy.service.discovery.v3.Resource";

    protected override string TypeUrlOf(DiscoveryResponse response) => response.TypeUrl;

    protected override string NonceOf(DiscoveryResponse response) => response.Nonce;

    protected override XdsUpdate Interpret(ClientSubscription subscription, DiscoveryResponse response, List<XdsRejection> faults)
    {
        var changed = ImmutableArray.CreateBuilder<XdsResource>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (Any packed in response.Resources)
        {
            (string name, Any? content) = Unwrap(packed, response.TypeUrl);
            if (content?.TypeUrl != response.TypeUrl)
            {
                faults.Add(new XdsRejection(name, $"the resource is a '{content?.TypeUrl}' in a response of '{response.TypeUrl}'"));
                continue;
            }

            if (name.Length > 0 && !subscription.Wants(name))
            {
                continue;
            }

            if (name.Length == 0)
            {
                faults.Add(new XdsRejection(string.Empty, "a resource has no name"));
            }
            else if (!seen.Add(name))
            {
                faults.Add(new XdsRejection(name, "the response holds this name twice"));
            }
            else if (!subscription.HeldBodies.TryGetValue(name, out ByteString? held) || held != content.Value)
            {
                changed.Add(new XdsResource(name, response.VersionInfo, content.Value));
            }
        }

        // A resource that came malformed is not gone: its last good version stays.
        seen.UnionWith(faults.Select(static fault => fault.Name));
        return new XdsUpdate(response.TypeUrl, response.VersionInfo, changed.ToImmutable(), Missing(subscription, seen));
    }

    protected override void Hold(ClientSubscription subscription, XdsResource resource)
    {
        subscription.HeldVersions[resource.Name] = resource.Version;
        subscription.HeldBodies[resource.Name] = resource.Body;
    }

    protected override void OnWildcard(ClientSubscription subscription) => subscription.HasNewNames = true;

    protected override void OnSubscribed(ClientSubscription subscription, string name)
    {
        subscription.HasNewNames = true;
        if (subscription.Dropped.Remove(name))
        {
            subscription.Again.Add(name);
        }
    }

    protected override void OnUnsubscribed(ClientSubscription subscription, string name)
    {
        subscription.HasNewNames = true;
        subscription.Again.Remove(name);
        subscription.Dropped.Add(name);
    }

    protected override DiscoveryRequest? TakeSubscription(ClientSubscription subscription, bool withNode)
    {
        if (subscription.IsInHand || (subscription.IsStarted ? !subscription.HasNewNames : !subscription.IsWanted))
        {
            return null;
        }

        DiscoveryRequest request = NewRequest(subscription);
        subscription.IsStarted = true;
        request.Node = withNode ? Node : null;

        // The nonce says "I have seen this response", so the answer goes with it, due or not: whoever waits for the resource wished for
        // here must not wait for another's.
        request.ErrorDetail = subscription.Answers is [.., { Reason: { } reason }] ? ToStatus(reason) : null;
        subscription.Answers.Clear();
        return request;
    }

    protected override DiscoveryRequest? TakeAnswer(ClientSubscription subscription)
    {
        // Only the last response can be answered, and what is said of it holds of all that came before.
        if (subscription.IsInHand || subscription.Answers is not [.., { } answer])
        {
            return null;
        }

        if (answer.Reason is null && !subscription.Answers.TrueForAll(static earlier => earlier.IsDue))
        {
            return null;
        }

        subscription.Answers.Clear();
        DiscoveryRequest request = NewRequest(subscription);
        request.ErrorDetail = answer.Reason is null ? null : ToStatus(answer.Reason);
        return request;
    }

    /// <summary>
    /// A name that was given up and is wanted again, before the server knew, would look as if nothing had happened, and the resource,
    /// forgotten here, would never come again. So one request is written without it, and then one with it.
    /// </summary>
    private static DiscoveryRequest NewRequest(ClientSubscription subscription)
    {
        List<string> again = subscription.IsStarted ? [.. subscription.Again] : [];
        subscription.HasNewNames = again.Count > 0;
        subscription.Dropped.Clear();
        subscription.Again.Clear();
        var request = new DiscoveryRequest
        {
            TypeUrl = subscription.TypeUrl,
            VersionInfo = subscription.Nonce.Length > 0 || HoldsVersion(subscription) ? subscription.AcceptedVersion : string.Empty,
            ResponseNonce = subscription.Nonce,
        };
        if (subscription.IsWildcard && subscription.Names.Count > 0)
        {
            request.ResourceNames.Add("*");
        }

        request.ResourceNames.AddRange(subscription.Names.Except(again, StringComparer.Ordinal));
        return request;
    }

    /// <summary>
    /// On a new stream a version says "I hold this set". True of listeners and clusters, unless part of a later set that was refused is in
    /// use; not of endpoints and routes, which come and go one by one.
    /// </summary>
    private static bool HoldsVersion(ClientSubscription subscription) =>
        XdsTypeUrls.IsWildcardType(subscription.TypeUrl) && subscription.Names.Count == 0 && !subscription.IsMixed;

    /// <summary>Only sets of listeners and clusters are whole, so only there does absence mean that a resource is gone.</summary>
    private static ImmutableArray<string> Missing(ClientSubscription subscription, HashSet<string> seen)
    {
        if (!XdsTypeUrls.IsWildcardType(subscription.TypeUrl))
        {
            return [];
        }

        IEnumerable<string> expected = subscription.HeldVersions.Keys.Union(subscription.Names, StringComparer.Ordinal);
        return [.. expected.Where(name => !seen.Contains(name)).Order(StringComparer.Ordinal)];
    }

    /// <summary>A resource may come inside a discovery Resource, which carries the name outside.</summary>
    private static (string Name, Any? Content) Unwrap(Any packed, string typeUrl)
    {
        if (packed.TypeUrl != WrapperTypeUrl || typeUrl == WrapperTypeUrl)
        {
            return (WireReader.ReadName(packed.Value.Span), packed);
        }

        try
        {
            Resource wrapper = Resource.Parser.ParseFrom(packed.Value);
            string name = wrapper.Name.Length > 0 || wrapper.Resource_ is null ? wrapper.Name : WireReader.ReadName(wrapper.Resource_.Value.Span);
            return (name, wrapper.Resource_);
        }
        catch (InvalidProtocolBufferException)
        {
            // Reported by the caller: what is inside is not of the response's type.
            return (string.Empty, null);
        }
    }
}
