using System.Net.Sockets;
using Envoy.Service.Discovery.V3;
using Grpc.Core;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.ControlPlane;
using Lateen.Xds.Client;

namespace Lateen.Xds.Tests.Loopback;

/// <summary>The same over the data plane's own HTTP/2, against a server that is not ours.</summary>
public sealed class ReactorLoopbackTests : GrpcLoopbackTests
{
    private readonly List<Exception> _defects = [];

    public ReactorLoopbackTests()
    {
        var plane = new ControlPlaneConfig { Variant = XdsVariant.Delta, ClusterName = "xds", Servers = [], ConnectTimeout = TimeSpan.FromSeconds(5) };
        Transport = new ReactorXdsTransport(plane, new SystemHostResolver(), TimeProvider.System, _defects.Add);
    }

    protected override IXdsTransport Transport { get; }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await ((ReactorXdsTransport)Transport).DisposeAsync();
        Assert.Empty(_defects);
    }

    [Fact]
    public async Task A_server_that_is_not_there_and_a_name_that_is_not_known_say_so()
    {
        var options = new XdsClientOptions { Node = XdsSamples.Node, Servers = [new UnixDomainSocketEndPoint("/nowhere/xds.sock")] };
        using IXdsChannel channel = Transport.Open(options, options.Servers[0]);
        var service = new AggregatedDiscoveryService.AggregatedDiscoveryServiceClient(channel.Calls);
        using var call = service.DeltaAggregatedResources(cancellationToken: TestContext.Current.CancellationToken);
        RpcException fault = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal(StatusCode.Unavailable, fault.StatusCode);
        Assert.Contains("/nowhere/xds.sock cannot be reached: ConnectionRefused", fault.Status.Detail, StringComparison.Ordinal);
        await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync(new(), TestContext.Current.CancellationToken));
    }
}
