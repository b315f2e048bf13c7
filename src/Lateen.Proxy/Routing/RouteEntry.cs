namespace Lateen.Proxy.Routing;

/// <summary>One compiled route: what it matches is in its virtual host's index, what happens then is its <see cref="Action"/>.</summary>
public sealed partial class RouteEntry
{
    /// <summary><c>%ROUTE_NAME%</c>; may be empty.</summary>
    public required string Name { get; init; }

    /// <summary>Per-route statistics are kept under it; empty: none.</summary>
    public string StatPrefix { get; init; } = string.Empty;

    public required RouteAction Action { get; init; }
}
