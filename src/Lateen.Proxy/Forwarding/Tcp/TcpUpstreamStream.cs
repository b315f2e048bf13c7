using System.Net;
using Lateen.Http;
using Lateen.Net.Tls;
using Lateen.Proxy.Forwarding.Http1;
using Lateen.Proxy.Forwarding.Pools;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Forwarding.Tcp;

/// <summary>The server's end of a CONNECT tunnel that is terminated here. That there is a connection is the answer: 200 (RFC 9110 section 9.3.6).</summary>
/// <remarks>Owner thread only.</remarks>
internal sealed class TcpUpstreamStream(TcpUpstreamConnection connection) : UpstreamStream
{
    private readonly Http1Receiver _receiver = new(connection.Transport.Reactor.Buffers);
    private readonly Http1Sender _sender = new(connection.Transport.Reactor.Buffers);
    private WakeSignal? _user;

    public override long ConnectionId => connection.Id;

    public override EndPoint LocalAddress => connection.Transport.LocalEndPoint;

    public override TlsSession? Tls => (connection.Transport as TlsConnection)?.Session;

    public override HttpProtocol? Protocol => null;

    public override bool IsConnectionReused => false;

    public override bool HasResponseBegun => true;

    public override FailureCause Failure => default;

    public override ContentSource Content => _receiver;

    public override ContentSink Sink => _sender;

    /// <summary>Gives the stream to its exchange.</summary>
    public void Begin(WakeSignal user, UpstreamSettings settings)
    {
        _user = user;
        _receiver.Attach(connection.Transport, settings.BufferLimit);
        _sender.Attach(connection.Transport, sendsTrailers: false);
    }

    /// <summary>The server knows nothing of the request.</summary>
    public override bool TrySendHead(HttpExchange exchange) => true;

    public override HeadStatus ReadHead(HttpResponseHead head)
    {
        head.Reset();
        head.SetStatus(200);
        head.SetBody(BodyFraming.Tunnel);
        _receiver.StartContent(head, Http1Limits.Default);
        return HeadStatus.Complete;
    }

    public override void StartTunnel() => _sender.StartTunnel();

    public override void Release(bool isRequestComplete)
    {
        _user = null;
        bool isComplete = isRequestComplete && _receiver.IsComplete && _sender.IsEmpty && !_sender.HasFailed;
        _receiver.Detach();
        _sender.Detach();
        connection.EndStream(isComplete);
    }

    /// <summary>The connection has news for whoever uses it.</summary>
    public void Wake() => _user?.Wake();
}
