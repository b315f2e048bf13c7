using System.Net;
using Grpc.Core;

namespace Lateen.Xds.Client;

/// <summary>
/// How an <see cref="XdsClient"/> reaches a management server. The data plane brings its own HTTP/2; <see cref="GrpcNetTransport"/> serves where
/// the runtime's is at hand anyway.
/// </summary>
public interface IXdsTransport
{
    /// <summary>A channel for one attempt: it may connect now or with its first call, and does not try again.</summary>
    /// <param name="options">Authority, timeouts and bounds.</param>
    IXdsChannel Open(XdsClientOptions options, EndPoint server);
}

/// <summary>One connection to one management server. Disposing it ends its calls.</summary>
public interface IXdsChannel : IDisposable
{
    /// <summary>
    /// Makes calls. Only duplex streaming is asked for. What goes wrong, the connect included, is an <see cref="RpcException"/> of the call.
    /// </summary>
    CallInvoker Calls { get; }
}
