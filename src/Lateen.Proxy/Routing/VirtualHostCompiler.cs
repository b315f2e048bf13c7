using System.Collections.Immutable;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Proto = Envoy.Config.Route.V3;

namespace Lateen.Proxy.Routing;

/// <summary>Compiles one virtual host with all its routes.</summary>
internal sealed class VirtualHostCompiler(ClusterDirectory clusters, ExtensionCatalog? extensions, TableLevel table, ConfigurationErrors errors)
{
    /// <returns>Null when there is something wrong with it.</returns>
    public VirtualHostEntry? Compile(Proto.VirtualHost host, FieldPath path)
    {
        var errorsBefore = errors.Count;
        if (host.Name.Length == 0) errors.Add(path.Field("name"), "is required");

        var domains = CompileDomains(host, path.Field("domains"));
        var level = new VirtualHostLevel(
            table,
            host.Name,
            PerFilterConfig.Over(PerFilterConfig.Compile(host.TypedPerFilterConfig, extensions, path, errors), table.Filters),
            HeaderMutationCompiler.Compile(host.RequestHeadersToRemove, host.RequestHeadersToAdd, "request", path, errors),
            HeaderMutationCompiler.Compile(host.ResponseHeadersToRemove, host.ResponseHeadersToAdd, "response", path, errors),
            host.RetryPolicy is null ? null : RetryPolicyCompiler.Compile(host.RetryPolicy, path.Field("retry_policy"), errors));

        var routes = ImmutableArray.CreateBuilder<RouteEntry>(host.Routes.Count);
        var matchers = new List<RouteMatcher>(host.Routes.Count);
        var compiler = new RouteCompiler(clusters, extensions, level, errors);
        for (var i = 0; i < host.Routes.Count; i++)
        {
            if (!compiler.TryCompile(host.Routes[i], path.Field("routes").At(i), out var route, out var matcher)) continue;
            routes.Add(route);
            matchers.Add(matcher);
        }

        if (errors.Count > errorsBefore) return null;
        return new VirtualHostEntry(host.Name, domains, routes.ToImmutable(), [.. matchers])
        {
            RequireTls = TlsOf(host, path),
            IncludeAttemptCountInRequest = host.IncludeRequestAttemptCount,
            IncludeAttemptCountInResponse = host.IncludeAttemptCountInResponse,
        };
    }

    private DomainName[] CompileDomains(Proto.VirtualHost host, FieldPath path)
    {
        if (host.Domains.Count == 0) errors.Add(path, "at least one domain is required");
        var domains = new List<DomainName>(host.Domains.Count);
        for (var i = 0; i < host.Domains.Count; i++)
        {
            if (DomainName.TryParse(host.Domains[i]) is { } domain) domains.Add(domain);
            else errors.Add(path.At(i), $"'{host.Domains[i]}' is not a domain: a star may only be its first or its last character");
        }

        return [.. domains];
    }

    private TlsRequirement TlsOf(Proto.VirtualHost host, FieldPath path)
    {
        switch (host.RequireTls)
        {
            case Proto.VirtualHost.Types.TlsRequirementType.None: return TlsRequirement.None;
            case Proto.VirtualHost.Types.TlsRequirementType.ExternalOnly: return TlsRequirement.ExternalOnly;
            case Proto.VirtualHost.Types.TlsRequirementType.All: return TlsRequirement.All;
            default:
                errors.Add(path.Field("require_tls"), $"{(int)host.RequireTls} is not a known value");
                return TlsRequirement.None;
        }
    }
}

/// <summary>What routes inherit from their virtual host and its table.</summary>
internal sealed record VirtualHostLevel(
    TableLevel Table,
    string HostName,
    ImmutableArray<CompiledExtension> Filters,
    HeaderMutation[] RequestHeaders,
    HeaderMutation[] ResponseHeaders,
    RetryPolicySnapshot? RetryPolicy);
