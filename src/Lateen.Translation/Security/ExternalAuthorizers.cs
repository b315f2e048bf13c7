using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Envoy.Type.Matcher.V3;
using Envoy.Type.V3;
using Lateen.Model;
using Lateen.Translation.Naming;

namespace Lateen.Translation.Security;

/// <summary>An authorizer that CUSTOM policies name, with the service that answers for it.</summary>
internal sealed record ExternalAuthorizer(ExtensionProvider Provider, MeshService Service)
{
    public string Cluster => ClusterNames.Outbound(Provider.Port, null, Service.Hostname);
}

/// <summary>Extension providers as Envoy's <c>ext_authz</c>.</summary>
public static class ExternalAuthorizers
{
    /// <summary>True when an authorizer is declared and proxies of the namespace are given a service to ask for it. Pure.</summary>
    public static bool IsThere(MeshSnapshot snapshot, string name, string proxyNamespace)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(proxyNamespace);
        return Find(snapshot, name, proxyNamespace, out _) is not null;
    }

    /// <summary>The authorizer of a name; null, with a reason, when it is not declared, or its service or port does not exist.</summary>
    internal static ExternalAuthorizer? Find(MeshSnapshot snapshot, string name, string proxyNamespace, out string? reason)
    {
        var provider = snapshot.Mesh.ExtensionProviders.FirstOrDefault(candidate => candidate.Name == name);
        if (provider is null)
        {
            reason = $"the mesh settings declare no authorizer '{name}'";
            return null;
        }

        // A short name has no namespace of its own to be completed with, so it is taken as written.
        var service = provider.ServiceNamespace is { } ns
            ? snapshot.Services.Get(new ServiceKey(provider.Service, ns))
            : snapshot.Services.Find(provider.Service, proxyNamespace);
        bool isReachable = service is not null && Outbound.OutboundClusters.IsReachable(service) && service.Port(provider.Port) is not null;
        reason = isReachable ? null : $"no service '{provider.Service}' with the port {provider.Port} answers for the authorizer '{name}'";
        return isReachable ? new ExternalAuthorizer(provider, service!) : null;
    }

    /// <param name="matched">True in the dynamic metadata when a CUSTOM policy matched the request.</param>
    internal static ExtAuthz ForRequests(ExternalAuthorizer authorizer, MetadataMatcher matched)
    {
        var provider = authorizer.Provider;
        var config = new ExtAuthz
        {
            FailureModeAllow = provider.FailOpen,
            ClearRouteCache = provider.ClearRouteCache,
            TransportApiVersion = ApiVersion.V3,
            FilterEnabledMetadata = matched,
        };
        if (provider.StatusOnError is { } status) config.StatusOnError = new HttpStatus { Code = (StatusCode)status };
        if (provider.RequestBody is { } body)
            config.WithRequestBody = new BufferSettings { MaxRequestBytes = body.MaxBytes, AllowPartialMessage = body.AllowPartial, PackAsBytes = body.PackAsBytes };
        if (provider.Protocol == AuthorizerProtocol.Grpc) config.GrpcService = Grpc(authorizer);
        else WriteHttp(config, authorizer);
        return config;
    }

    /// <param name="matched">True in the dynamic metadata when a CUSTOM policy matched the connection.</param>
    internal static Envoy.Extensions.Filters.Network.ExtAuthz.V3.ExtAuthz ForConnections(ExternalAuthorizer authorizer, MetadataMatcher matched) => new()
    {
        StatPrefix = SecurityFilters.TcpStatPrefix,
        FailureModeAllow = authorizer.Provider.FailOpen,
        TransportApiVersion = ApiVersion.V3,
        FilterEnabledMetadata = matched,
        GrpcService = Grpc(authorizer),
    };

    private static GrpcService Grpc(ExternalAuthorizer authorizer) => new()
    {
        EnvoyGrpc = new GrpcService.Types.EnvoyGrpc { ClusterName = authorizer.Cluster, Authority = authorizer.Service.Hostname },
        Timeout = Messages.Of(authorizer.Provider.Timeout),
    };

    private static void WriteHttp(ExtAuthz config, ExternalAuthorizer authorizer)
    {
        var headers = authorizer.Provider.Http;
        var service = new Envoy.Extensions.Filters.Http.ExtAuthz.V3.HttpService
        {
            ServerUri = new HttpUri { Uri = $"http://{authorizer.Service.Hostname}", Cluster = authorizer.Cluster, Timeout = Messages.Of(authorizer.Provider.Timeout) },
            PathPrefix = headers.PathPrefix,
        };
        if (headers.IncludeAdditionalHeadersInCheck.Count > 0)
        {
            service.AuthorizationRequest = new AuthorizationRequest();
            service.AuthorizationRequest.HeadersToAdd.AddRange(
                headers.IncludeAdditionalHeadersInCheck.Select(header => new HeaderValue { Key = header.Key, Value = header.Value }));
        }

        var upstream = Patterns(headers.HeadersToUpstreamOnAllow);
        var onAllow = Patterns(headers.HeadersToDownstreamOnAllow);
        var onDeny = Patterns(headers.HeadersToDownstreamOnDeny);
        if (upstream is not null || onAllow is not null || onDeny is not null)
            service.AuthorizationResponse = new AuthorizationResponse { AllowedUpstreamHeaders = upstream, AllowedClientHeadersOnSuccess = onAllow, AllowedClientHeaders = onDeny };
        config.HttpService = service;
        config.AllowedHeaders = Patterns(headers.IncludeRequestHeadersInCheck);
    }

    /// <summary>Names of headers, without regard to case; null for none, which leaves the proxy's own choice.</summary>
    private static ListStringMatcher? Patterns(ImmutableArray<string> written)
    {
        if (written.IsEmpty) return null;
        var list = new ListStringMatcher();
        foreach (string pattern in written)
        {
            var matcher = StringMatchers.Of(pattern);
            matcher.IgnoreCase = matcher.MatchPatternCase != StringMatcher.MatchPatternOneofCase.SafeRegex;
            list.Patterns.Add(matcher);
        }

        return list;
    }
}
