namespace Lateen.Proxy.Configuration;

/// <summary>
/// What an extension (an HTTP filter, an access logger) made of its typed configuration when the configuration was compiled. The room that
/// owns the extension derives from it and finds its own type again on the request path; this room only carries it.
/// </summary>
/// <param name="Name">The name that the configuration gives this instance, such as <c>envoy.filters.http.router</c>.</param>
/// <param name="TypeUrl">Type URL of the typed configuration.</param>
/// <remarks>Immutable; shared by every connection, reactor and snapshot that uses the same configuration.</remarks>
public abstract record CompiledExtension(string Name, string TypeUrl);
