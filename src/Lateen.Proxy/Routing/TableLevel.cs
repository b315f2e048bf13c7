using System.Collections.Immutable;
using Lateen.Proxy.Configuration;
using Proto = Envoy.Config.Route.V3;

namespace Lateen.Proxy.Routing;

/// <summary>
/// What a route configuration says once for all its virtual hosts. Two tables with equal levels may share compiled virtual hosts.
/// </summary>
/// <remarks>Immutable.</remarks>
internal sealed class TableLevel : IEquatable<TableLevel>
{
    /// <summary>Envoy's default of <c>max_direct_response_body_size_bytes</c>.</summary>
    private const uint DefaultMaxDirectResponseBytes = 4096;

    private readonly Proto.RouteConfiguration _frame;

    private TableLevel(
        Proto.RouteConfiguration frame, ImmutableArray<CompiledExtension> filters, HeaderMutation[] requestHeaders, HeaderMutation[] responseHeaders)
    {
        _frame = frame;
        Filters = filters;
        RequestHeaders = requestHeaders;
        ResponseHeaders = responseHeaders;
    }

    /// <summary>Domains are compared with the host alone.</summary>
    public bool IgnoresPort => _frame.IgnorePortInHostMatching;

    /// <summary>Header rules of routes come after those of their virtual host, so that they win.</summary>
    public bool MostSpecificHeadersWin => _frame.MostSpecificHeaderMutationsWins;

    /// <summary>
    /// The table is refused when a route names a cluster that does not exist; null: the default of the place where it stands.
    /// </summary>
    public bool? ValidatesClusters => _frame.ValidateClusters;

    public uint MaxDirectResponseBytes => _frame.MaxDirectResponseBodySizeBytes ?? DefaultMaxDirectResponseBytes;

    /// <summary>Configuration of filters that holds for all routes which have none of their own.</summary>
    public ImmutableArray<CompiledExtension> Filters { get; }

    public HeaderMutation[] RequestHeaders { get; }

    public HeaderMutation[] ResponseHeaders { get; }

    /// <remarks><paramref name="frame"/>: The configuration without its virtual hosts.</remarks>
    public static TableLevel Compile(Proto.RouteConfiguration frame, ExtensionCatalog? extensions, FieldPath path, ConfigurationErrors errors)
    {
        if (frame.InternalOnlyHeaders.Count > 0) errors.Add(path.Field("internal_only_headers"), "is not supported");
        return new TableLevel(
            frame,
            PerFilterConfig.Compile(frame.TypedPerFilterConfig, extensions, path, errors),
            HeaderMutationCompiler.Compile(frame.RequestHeadersToRemove, frame.RequestHeadersToAdd, "request", path, errors),
            HeaderMutationCompiler.Compile(frame.ResponseHeadersToRemove, frame.ResponseHeadersToAdd, "response", path, errors));
    }

    public bool Equals(TableLevel? other) => other is not null && _frame.Equals(other._frame);

    public override bool Equals(object? obj) => Equals(obj as TableLevel);

    public override int GetHashCode() => _frame.GetHashCode();
}
