using Envoy.Config.Core.V3;
using Envoy.Service.Discovery.V3;

namespace Lateen.Xds.Server;

/// <summary>Incremental xDS, the server's side: subscriptions come as differences and may ride on acknowledgements.</summary>
internal sealed class DeltaServerSession() : ServerSession<DeltaDiscoveryRequest, DeltaDiscoveryResponse>(XdsVariant.Delta)
{
    protected override Node? NodeOf(DeltaDiscoveryRequest request) => request.Node;

    protected override string TypeUrlOf(DeltaDiscoveryRequest request) => request.TypeUrl;

    protected override void Apply(TypePush type, DeltaDiscoveryRequest request)
    {
        bool isFirst = !type.IsStarted;
        type.IsStarted = true;
        if (isFirst && request.ResourceNamesSubscribe.Count == 0 && XdsTypeUrls.IsWildcardType(request.TypeUrl))
        {
            type.Subscribe("*");
        }

        foreach (string name in request.ResourceNamesUnsubscribe)
        {
            type.Unsubscribe(name);
        }

        foreach (string name in request.ResourceNamesSubscribe)
        {
            type.Subscribe(name);
        }

        if (isFirst)
        {
            foreach ((string name, string version) in request.InitialResourceVersions)
            {
                type.Resume(name, version);
            }
        }

        // A nonce other than the awaited one belongs to an answer that was given already; what it subscribes to counts all the same.
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

    protected override DeltaDiscoveryResponse ToResponse(Push push)
    {
        var response = new DeltaDiscoveryResponse
        {
            TypeUrl = push.Type.TypeUrl,
            Nonce = push.Nonce,
            RemovedResources = { push.Removals },
        };
        foreach (XdsResource resource in push.Upserts)
        {
            response.Resources.Add(new Resource
            {
                Name = resource.Name,
                Version = resource.Version,
                Resource_ = resource.Pack(push.Type.TypeUrl),
            });
        }

        return response;
    }
}
