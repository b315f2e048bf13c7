using System.Collections.Immutable;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Xds;

namespace Lateen.Proxy.Routing;

/// <summary>Compiles what routes put in the place of an HTTP filter's configuration. A compiler of filters implements it beside
/// <see cref="IExtensionCompiler"/> when its filter may be configured per route.</summary>
/// <remarks>Called on the configuration thread, any number of times.</remarks>
public interface IRouteFilterCompiler
{
    /// <summary>Full name of the message that stands on routes, such as <c>envoy.extensions.filters.http.rbac.v3.RBACPerRoute</c>.</summary>
    string RouteMessageName { get; }

    /// <summary>Compiles one instance; the parameters are those of <see cref="IExtensionCompiler.Compile"/>.</summary>
    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    CompiledExtension? CompileForRoute(string name, Any configuration, FieldPath path, ConfigurationErrors errors);
}

/// <summary>
/// Filter configuration on route tables, virtual hosts and routes (<c>typed_per_filter_config</c>), by the filter's name in its connection
/// manager. The most specific level wins whole. A type that no filter of this proxy takes per route is refused by its path.
/// </summary>
internal static class PerFilterConfig
{
    /// <param name="configurations">Of one level.</param>
    /// <param name="extensions">The filters that there are; null: none.</param>
    /// <param name="path">Of the level.</param>
    /// <param name="errors">Gets what is wrong.</param>
    public static ImmutableArray<CompiledExtension> Compile(
        MapField<string, Any> configurations, ExtensionCatalog? extensions, FieldPath path, ConfigurationErrors errors)
    {
        if (configurations.Count == 0) return [];
        var compiled = ImmutableArray.CreateBuilder<CompiledExtension>(configurations.Count);
        foreach (var filter in configurations.Keys.Order(StringComparer.Ordinal))
        {
            var place = path.Field("typed_per_filter_config").Key(filter);
            var configuration = configurations[filter];
            if (extensions?.FindRouteFilter(configuration) is not { } compiler)
                errors.Add(place, $"the filter '{filter}' takes no configuration per route of the type '{XdsTypeRegistry.TypeNameOf(configuration.TypeUrl)}'");
            else if (compiler.CompileForRoute(filter, configuration, place, errors) is { } one)
                compiled.Add(one);
        }

        return compiled.DrainToImmutable();
    }

    /// <summary>One level over another: what the more specific one has, and what it leaves of the other.</summary>
    public static ImmutableArray<CompiledExtension> Over(ImmutableArray<CompiledExtension> specific, ImmutableArray<CompiledExtension> general)
    {
        if (general.IsEmpty) return specific;
        return specific.IsEmpty ? general : [.. specific, .. general.Where(one => !specific.Any(other => other.Name == one.Name))];
    }

    /// <summary>Weighted clusters may not have any: a filter decides before the cluster is drawn.</summary>
    public static void Refuse(MapField<string, Any> configurations, FieldPath path, ConfigurationErrors errors)
    {
        foreach (var filter in configurations.Keys.Order(StringComparer.Ordinal))
        {
            errors.Add(
                path.Field("typed_per_filter_config").Key(filter),
                $"the filter '{filter}' takes no configuration per weighted cluster ({configurations[filter].TypeUrl})");
        }
    }
}
