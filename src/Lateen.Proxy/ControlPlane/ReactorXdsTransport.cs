using System.Net;
using Lateen.Http;
using Lateen.Net;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tls;
using Lateen.Xds.Client;

namespace Lateen.Proxy.ControlPlane;

/// <summary>
/// Carries the proxy's own xDS stream over the data plane's HTTP/2, sockets and TLS, on a reactor of its own: a push of a large configuration holds no
/// request up, and the program has one HTTP stack.
/// </summary>
public sealed class ReactorXdsTransport : IXdsTransport, IAsyncDisposable
{
    private readonly Reactor _reactor;
    private readonly string _clusterName;
    private readonly UpstreamTls? _tls;
    private readonly IHostResolver _resolver;

    /// <param name="plane">The cluster of the management server, and how its connections are encrypted.</param>
    /// <param name="resolver">For servers that are named.</param>
    /// <param name="defectReported">Told of exceptions that are bugs; each costs one stream.</param>
    public ReactorXdsTransport(ControlPlaneConfig plane, IHostResolver resolver, TimeProvider time, Action<Exception> defectReported)
    {
        ArgumentNullException.ThrowIfNull(plane);
        _clusterName = plane.ClusterName;
        _tls = plane.Tls;
        _resolver = resolver;
        _reactor = new Reactor(new ReactorOptions { Name = "xds", TimeProvider = time, UnhandledException = (defect, _) => defectReported(defect) });
        _reactor.Start();
    }

    public IXdsChannel Open(XdsClientOptions options, EndPoint server)
    {
        ArgumentNullException.ThrowIfNull(options);
        int third = (int)(options.KeepAlive.TotalMilliseconds / 3);
        var http2 = new Http2Options { KeepAlive = third > 0 ? new Http2KeepAlive(third * 3, third) : null };
        var target = new GrpcTarget(server, _resolver, _clusterName, _tls, options.ConnectTimeout, options.MaxResponseBytes, http2);
        return new ManagementChannel(_reactor, target, options.Authority ?? AuthorityOf(server));
    }

    public ValueTask DisposeAsync() => _reactor.DisposeAsync();

    private static string AuthorityOf(EndPoint server) => server switch
    {
        DnsEndPoint dns => $"{dns.Host}:{dns.Port}",
        IPEndPoint ip => ip.ToString(),
        _ => "localhost",
    };
}
