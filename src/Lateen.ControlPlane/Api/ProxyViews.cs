using Envoy.Config.Core.V3;
using Lateen.ControlPlane.Serving;
using Lateen.Translation;
using Lateen.Xds;
using Microsoft.AspNetCore.Http;

namespace Lateen.ControlPlane.Api;

/// <summary>Connected proxies as the API shows them, and how people name them.</summary>
internal static class ProxyViews
{
    public static ProxyView Of(ConnectedProxy proxy)
    {
        var status = proxy.Status;
        var view = proxy.View;
        var types = new List<ProxyTypeView>();
        foreach (string typeUrl in XdsTypeUrls.InOrder)
        {
            var type = status.Types.FirstOrDefault(candidate => candidate.TypeUrl == typeUrl);
            // A gRPC client takes what it names from a shelf that holds everything that it may dial.
            int resources = proxy.Identity.IsGrpc ? type?.Subscribed ?? 0 : view.ResourcesOf(typeUrl).Count;
            // Most proxies ask for no secrets, and the roots lie ready for each: a row that can never be in sync would say nothing.
            if (typeUrl == XdsTypeUrls.Secret && type is null && view.ResourcesOf(typeUrl).Keys.All(name => name == TrustPublication.Name)) continue;
            string state = type switch
            {
                null => "NOT SENT",
                { IsRejected: true } => "ERROR",
                { AcknowledgedRevision: var acknowledged } when acknowledged >= view.Revision => "SYNCED",
                { SentRevision: 0 } => "NOT SENT",
                _ => "STALE",
            };
            types.Add(new ProxyTypeView(XdsTypeUrls.ShortName(typeUrl), state, resources, type?.AcknowledgedRevision ?? 0, type?.RejectionReason));
        }

        var identity = proxy.Identity;
        return new ProxyView(identity.Id, identity.Name, identity.Namespace, TypeOf(identity), proxy.Stream.Peer,
            Version(proxy.Stream.Node), proxy.ConnectedAt, status.ServedRevision, types, AdminAddress(proxy.Stream.Node));
    }

    /// <summary>Metadata ADMIN_ADDRESS, a key of Lateen: a proxy puts the address there that it has bound, and `lateen bootstrap` the one that it chose.</summary>
    private static string? AdminAddress(Node node) =>
        node.Metadata?.Fields.TryGetValue("ADMIN_ADDRESS", out var value) == true && value.StringValue.Length > 0 ? value.StringValue : null;

    /// <summary>Istio's word for what it is; <c>grpc</c> for a client without a proxy, whatever its node id says.</summary>
    public static string TypeOf(ProxyIdentity identity) => identity.IsGrpc ? "grpc" : identity.Type.ToString().ToLowerInvariant();

    /// <summary>A node says its version as a text or, as Envoy does, in parts.</summary>
    private static string Version(Node node) => node switch
    {
        { UserAgentVersion.Length: > 0 } => node.UserAgentVersion,
        { UserAgentBuildVersion.Version: { } build } => $"{build.MajorNumber}.{build.MinorNumber}.{build.Patch}",
        _ => "-",
    };

    /// <summary>Finds a proxy by node id, NAME.NAMESPACE, or NAME where only one namespace has it.</summary>
    public static (ConnectedProxy? Proxy, IResult? Problem) Find(MeshServer server, string name)
    {
        var proxies = server.Proxies;
        var matches = proxies.Where(proxy => proxy.Identity.Id == name || $"{proxy.Identity.Name}.{proxy.Identity.Namespace}" == name).ToList();
        if (matches.Count == 0) matches = [.. proxies.Where(proxy => proxy.Identity.Name == name)];
        switch (matches.Select(proxy => proxy.Identity.Id).Distinct().Count())
        {
            case 0:
                return (null, ApiEndpoints.Problem(StatusCodes.Status404NotFound, "unknown_proxy", $"no proxy named '{name}' is connected",
                    proxies.IsEmpty ? "none is connected" : $"connected are {string.Join(", ", proxies.Select(proxy => $"{proxy.Identity.Name}.{proxy.Identity.Namespace}").Distinct())}"));
            case 1:
                // A proxy that reconnected may have two streams for a moment; the younger is the one that lives.
                return (matches.MaxBy(proxy => proxy.Stream.Id), null);
            default:
                return (null, ApiEndpoints.Problem(StatusCodes.Status400BadRequest, "ambiguous_proxy", $"'{name}' means {matches.Count} proxies",
                    $"say which: {string.Join(", ", matches.Select(proxy => proxy.Identity.Id))}"));
        }
    }
}
