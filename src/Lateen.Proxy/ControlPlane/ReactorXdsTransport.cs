using System.Net;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tls;
using Lateen.Xds.Client;

namespace Lateen.Proxy.ControlPlane;

/// <summary>Carries the proxy's own xDS stream over the data plane's HTTP/2, sockets and TLS, on the reactor of its management conversations.</summary>
public sealed class ReactorXdsTransport : IXdsTransport, IAsyncDisposable
{
    private readonly ManagementReactor _management;
    private readonly string _clusterName;
    private readonly UpstreamTls? _tls;
    private readonly bool _ownsReactor;

    /// <param name="plane">The cluster of the management server, and how its connections are encrypted.</param>
    /// <param name="management">Where the stream runs.</param>
    public ReactorXdsTransport(ControlPlaneConfig plane, ManagementReactor management)
    {
        ArgumentNullException.ThrowIfNull(plane);
        _clusterName = plane.ClusterName;
        _tls = plane.Tls;
        _management = management;
    }

    /// <summary>On a reactor of its own.</summary>
    /// <param name="plane">The cluster of the management server, and how its connections are encrypted.</param>
    /// <param name="resolver">For servers that are named.</param>
    /// <param name="time">Of timeouts and keep-alive.</param>
    /// <param name="defectReported">Told of exceptions that are bugs; each costs one stream.</param>
    public ReactorXdsTransport(ControlPlaneConfig plane, IHostResolver resolver, TimeProvider time, Action<Exception> defectReported)
        : this(plane, new ManagementReactor(resolver, time, defectReported)) => _ownsReactor = true;

    public IXdsChannel Open(XdsClientOptions options, EndPoint server)
    {
        ArgumentNullException.ThrowIfNull(options);
        var target = new GrpcTarget(
            server, _management.Resolver, _clusterName, _tls, options.ConnectTimeout, options.MaxResponseBytes, ManagementReactor.Http2(options.KeepAlive));
        return new ManagementChannel(_management.Reactor, target, options.Authority ?? ManagementChannel.AuthorityOf(server));
    }

    public ValueTask DisposeAsync() => _ownsReactor ? _management.DisposeAsync() : ValueTask.CompletedTask;
}
