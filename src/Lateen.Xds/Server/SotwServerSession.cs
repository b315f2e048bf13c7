using Envoy.Config.Core.V3;
using Envoy.Service.Discovery.V3;

namespace Lateen.Xds.Server;

/// <summary>
/// State-of-the-world xDS, the server's side: each request repeats all names; listeners and clusters are answered with the whole set,
/// routes and endpoints with those that changed.
/// </summary>
internal sealed class SotwServerSession() : ServerSession<DiscoveryRequest, DiscoveryResponse>(XdsVariant.StateOfTheWorld)
{
    private readonly Dictionary<string, HashSet<string>> _names = new(StringComparer.Ordinal);

    protected override Node? NodeOf(DiscoveryRequest request) => request.Node;

    protected override string TypeUrlOf(DiscoveryRequest request) => request.TypeUrl;

    protected override void Apply(TypePush type, DiscoveryRequest request)
    {
        bool isFirst = !type.IsStarted;
        type.IsStarted = true;
        SetNames(type, request, isFirst);
        if (isFirst)
        {
            type.ResumeSet(request.VersionInfo);
        }

        // Another nonce is stale: the client had not seen our latest response when it wrote this. It answers nothing, but its names are
        // what the client wants, and later requests on the stream correct them in order.
        if (request.ResponseNonce.Length > 0 && request.ResponseNonce == type.AwaitedNonce)
        {
            if (request.ErrorDetail is null)
            {
                type.Accept();
            }
            else
            {
                type.Reject(request.ErrorDetail.Message);
            }
        }
    }

    protected override DiscoveryResponse ToResponse(Push push)
    {
        string typeUrl = push.Type.TypeUrl;
        var response = new DiscoveryResponse
        {
            TypeUrl = typeUrl,
            Nonce = push.Nonce,
            VersionInfo = ContentVersion.OfSet(push.Type.Sent()),
        };
        IEnumerable<XdsResource> resources = push.Type.IsWholeSet
            ? push.Type.Sent().OrderBy(static resource => resource.Name, StringComparer.Ordinal)
            : push.Upserts;
        response.Resources.AddRange(resources.Select(resource => resource.Pack(typeUrl)));
        return response;
    }

    private void SetNames(TypePush type, DiscoveryRequest request, bool isFirst)
    {
        if (isFirst && request.ResourceNames.Count == 0 && XdsTypeUrls.IsWildcardType(request.TypeUrl))
        {
            type.Subscribe("*");
        }

        if (!_names.TryGetValue(request.TypeUrl, out HashSet<string>? known))
        {
            _names[request.TypeUrl] = known = new HashSet<string>(StringComparer.Ordinal);
        }

        var named = request.ResourceNames.ToHashSet(StringComparer.Ordinal);
        foreach (string name in known.Except(named, StringComparer.Ordinal).ToList())
        {
            type.Unsubscribe(name);
            known.Remove(name);
        }

        foreach (string name in named.Where(known.Add))
        {
            type.Subscribe(name);
        }
    }
}
