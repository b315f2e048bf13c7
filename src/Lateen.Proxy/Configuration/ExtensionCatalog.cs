using System.Collections.Frozen;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Routing;
using Lateen.Xds;

namespace Lateen.Proxy.Configuration;

/// <summary>
/// Compiles the typed configuration of one extension. The room that owns the extension implements it; the composition root lists it.
/// </summary>
/// <remarks>Called on the configuration thread, any number of times.</remarks>
public interface IExtensionCompiler
{
    /// <summary>Full name of the message that configures it, such as <c>envoy.extensions.filters.http.router.v3.Router</c>.</summary>
    string MessageName { get; }

    /// <summary>Compiles one instance.</summary>
    /// <param name="name">The instance's name in the configuration.</param>
    /// <param name="configuration">Of the type <see cref="MessageName"/>; the bytes are not checked yet.</param>
    /// <param name="path">Where it stands.</param>
    /// <param name="errors">Gets what is wrong with it.</param>
    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors);
}

/// <summary>The extensions that this proxy has. What is not in here is refused by name.</summary>
/// <remarks>Immutable.</remarks>
public sealed class ExtensionCatalog(
    IEnumerable<IExtensionCompiler> httpFilters, IEnumerable<IExtensionCompiler> accessLoggers, IEnumerable<IExtensionCompiler>? networkFilters = null)
{
    /// <summary>The last filter of every connection manager.</summary>
    public const string RouterMessageName = "envoy.extensions.filters.http.router.v3.Router";

    private readonly FrozenDictionary<string, IExtensionCompiler> _httpFilters =
        httpFilters.ToFrozenDictionary(static one => one.MessageName, StringComparer.Ordinal);
    private readonly FrozenDictionary<string, IExtensionCompiler> _accessLoggers =
        accessLoggers.ToFrozenDictionary(static one => one.MessageName, StringComparer.Ordinal);

    private readonly FrozenDictionary<string, IExtensionCompiler> _networkFilters =
        (networkFilters ?? []).ToFrozenDictionary(static one => one.MessageName, StringComparer.Ordinal);

    private readonly FrozenDictionary<string, IRouteFilterCompiler> _routeFilters =
        httpFilters.OfType<IRouteFilterCompiler>().ToFrozenDictionary(static one => one.RouteMessageName, StringComparer.Ordinal);

    /// <summary>What compiles a filter's configuration on a route; null when no filter takes this type there.</summary>
    internal IRouteFilterCompiler? FindRouteFilter(Any configuration) => _routeFilters.GetValueOrDefault(XdsTypeRegistry.TypeNameOf(configuration.TypeUrl));

    internal bool HasHttpFilter(Any? configuration) => configuration is not null && _httpFilters.ContainsKey(XdsTypeRegistry.TypeNameOf(configuration.TypeUrl));

    internal CompiledExtension? CompileHttpFilter(string name, Any? configuration, FieldPath path, ConfigurationErrors errors) =>
        Compile(_httpFilters, "HTTP filter", name, configuration, path, errors);

    internal CompiledExtension? CompileNetworkFilter(string name, Any? configuration, FieldPath path, ConfigurationErrors errors) =>
        Compile(_networkFilters, "network filter", name, configuration, path, errors);

    internal CompiledExtension? CompileAccessLogger(string name, Any? configuration, FieldPath path, ConfigurationErrors errors) =>
        Compile(_accessLoggers, "access logger", name, configuration, path, errors);

    private static CompiledExtension? Compile(
        FrozenDictionary<string, IExtensionCompiler> compilers, string kind, string name, Any? configuration, FieldPath path, ConfigurationErrors errors)
    {
        if (configuration is null)
        {
            errors.Add(path.Field("typed_config"), $"is required: it says which {kind} '{name}' is");
            return null;
        }

        if (compilers.TryGetValue(XdsTypeRegistry.TypeNameOf(configuration.TypeUrl), out var compiler))
            return compiler.Compile(name, configuration, path.Field("typed_config"), errors);

        var known = string.Join(", ", compilers.Keys.Order(StringComparer.Ordinal));
        errors.Add(path.Field("typed_config"), $"the {kind} '{name}' of type '{configuration.TypeUrl}' is not supported (supported: {known})");
        return null;
    }
}
