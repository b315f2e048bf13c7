using System.Text;
using Grpc.Core;
using Lateen.Http;
using Lateen.Net;
using Lateen.Xds.Client;

namespace Lateen.Proxy.ControlPlane;

/// <summary>One attempt at one management server: its call opens the connection, and ends with it.</summary>
internal sealed class ManagementChannel(Reactor reactor, GrpcTarget target, string authority) : CallInvoker, IXdsChannel
{
    private readonly CancellationTokenSource _disposed = new();

    public CallInvoker Calls => this;

    public void Dispose()
    {
        _disposed.Cancel();
        _disposed.Dispose();
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        ArgumentNullException.ThrowIfNull(method);
        var stream = new GrpcStream(reactor, target, RequestOf(method.FullName, options.Headers));
        stream.Start();
        _disposed.Token.UnsafeRegister(static state => ((GrpcStream)state!).Cancel(), stream);
        CancellationTokenRegistration caller = options.CancellationToken.UnsafeRegister(static state => ((GrpcStream)state!).Cancel(), stream);
        var call = new GrpcCall<TRequest, TResponse>(stream, method);
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(call, call, stream.Opened, () => stream.Status, () => [], () =>
        {
            caller.Dispose();
            stream.Cancel();
        });
    }

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        throw NotDuplex(method);

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw NotDuplex(method);

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw NotDuplex(method);

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) => throw NotDuplex(method);

    private static NotSupportedException NotDuplex(IMethod method) => new($"{method.FullName} is {method.Type}; xDS streams are duplex");

    private HttpRequestHead RequestOf(string path, Metadata? metadata)
    {
        var head = new HttpRequestHead();
        head.SetMethod(RequestMethod.Post);
        head.SetAuthority(Encoding.ASCII.GetBytes(authority));
        head.SetPathAndQuery(Encoding.ASCII.GetBytes(path));
        head.Scheme = target.Tls is null ? RequestScheme.Http : RequestScheme.Https;
        head.SetBody(BodyFraming.Chunked);
        head.AcceptsTrailers = true;
        head.Headers.Add(KnownHeader.ContentType, "application/grpc"u8);
        head.Headers.Add(KnownHeader.UserAgent, "grpc-lateen"u8);
        foreach (Metadata.Entry entry in metadata ?? [])
            head.Headers.Add(Encoding.ASCII.GetBytes(entry.Key), entry.IsBinary ? Encoding.ASCII.GetBytes(Convert.ToBase64String(entry.ValueBytes)) : Encoding.UTF8.GetBytes(entry.Value));
        return head;
    }
}
