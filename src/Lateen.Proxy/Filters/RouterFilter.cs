namespace Lateen.Proxy.Filters;

/// <summary>
/// <c>envoy.filters.http.router</c>, the filter that ends every chain. It holds options only: what it does is forwarding itself.
/// </summary>
/// <param name="Name">The instance's name in the configuration.</param>
/// <param name="TypeUrl">Type URL of the typed configuration.</param>
public sealed record RouterFilter(string Name, string TypeUrl) : HttpFilter(Name, TypeUrl)
{
    /// <summary>Name of the type that configures it.</summary>
    public const string ConfigTypeUrl = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";

    public static readonly RouterFilter Default = new("envoy.filters.http.router", ConfigTypeUrl);

    /// <summary>No <c>x-envoy-</c> headers are added to requests and responses (<c>suppress_envoy_headers</c>).</summary>
    public bool SuppressEnvoyHeaders { get; init; }

    public override FilterStages Stages => FilterStages.None;
}
