using System.Net;
using System.Text;
using Grpc.Core;
using Lateen.Http;
using Lateen.Net;
using Lateen.Xds.Client;
using Lateen.Xds.Wire;

namespace Lateen.Proxy.ControlPlane;

/// <summary>One attempt at one management server: each call opens a connection, which ends with it. Streams are duplex; a single question is a unary call.</summary>
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
        GrpcStream stream = Open(method.FullName, options, out CancellationTokenRegistration caller);
        var call = new GrpcCall<TRequest, TResponse>(stream, DiscoveryResponses.ReadInPlace(method));
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(call, call, stream.Opened, () => stream.Status, () => [], () =>
        {
            caller.Dispose();
            stream.Cancel();
        });
    }

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        throw NotDuplex(method);

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        ArgumentNullException.ThrowIfNull(method);
        GrpcStream stream = Open(method.FullName, options, out CancellationTokenRegistration caller);
        return new AsyncUnaryCall<TResponse>(AskAsync(stream, method, request), stream.Opened, () => stream.Status, () => [], () =>
        {
            caller.Dispose();
            stream.Cancel();
        });
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw NotDuplex(method);

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) => throw NotDuplex(method);

    private static NotSupportedException NotDuplex(IMethod method) => new($"{method.FullName} is {method.Type}; duplex and asynchronous unary calls are made here");

    /// <summary>The <c>:authority</c> of a server that was given no other.</summary>
    public static string AuthorityOf(EndPoint server) => server switch
    {
        DnsEndPoint dns => $"{dns.Host}:{dns.Port}",
        IPEndPoint ip => ip.ToString(),
        _ => "localhost",
    };

    /// <summary>One message there and one back, with the status that follows it.</summary>
    private static async Task<TResponse> AskAsync<TRequest, TResponse>(GrpcStream stream, Method<TRequest, TResponse> method, TRequest request)
        where TRequest : class
        where TResponse : class
    {
        await stream.SendAsync(GrpcMessageReader.Frame(method.RequestMarshaller, request)).ConfigureAwait(false);
        stream.CompleteSending();
        byte[]? answer = null;
        while (await stream.Messages.WaitToReadAsync().ConfigureAwait(false))
        {
            if (!stream.Messages.TryRead(out byte[]? message)) continue;
            stream.Take();
            if (answer is not null) throw new RpcException(new Status(StatusCode.Unimplemented, "the server answered twice"));
            answer = message;
        }

        if (answer is null) throw new RpcException(new Status(StatusCode.Unimplemented, "the server said OK and gave no answer"));
        return GrpcMessageReader.Parse(method.ResponseMarshaller, answer);
    }

    private GrpcStream Open(string path, CallOptions options, out CancellationTokenRegistration caller)
    {
        var stream = new GrpcStream(reactor, target, RequestOf(path, options.Headers));
        stream.Start();
        _disposed.Token.UnsafeRegister(static state => ((GrpcStream)state!).Cancel(), stream);
        caller = options.CancellationToken.UnsafeRegister(static state => ((GrpcStream)state!).Cancel(), stream);
        return stream;
    }

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
