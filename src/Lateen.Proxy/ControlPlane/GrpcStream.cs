using System.Net;
using System.Threading.Channels;
using Grpc.Core;
using Lateen.Http;
using Lateen.Net;
using Lateen.Net.Tls;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.ControlPlane;

/// <summary>
/// One connection to a management server with one call on it, on its reactor: octets of messages in and out, and how it ended. Whoever calls from another thread does
/// so through <see cref="SendAsync"/>, <see cref="Messages"/> and <see cref="Cancel"/>.
/// </summary>
/// <remarks>
/// <para>Back-pressure goes both ways: a message counts as sent when HTTP/2 has taken it, and as long as a received one waits to be read, the server gets no
/// credit for more.</para>
/// <para>It ends once, with the first reason; then the connection is closed and the channel of messages completed.</para>
/// </remarks>
internal sealed class GrpcStream : IHttp2ClientSession
{
    /// <summary>Octets that wait for the socket above which no more content is framed.</summary>
    private const int MaxPendingOctets = 128 * 1024;

    private readonly Reactor _reactor;
    private readonly GrpcTarget _target;
    private readonly HttpRequestHead _request;
    private readonly HttpResponseHead _response = new();
    private readonly GrpcOutput _output = new();
    private readonly GrpcMessageReader _reader;
    private readonly Queue<Outgoing> _outgoing = new();
    private readonly Channel<byte[]> _messages = Channel.CreateUnbounded<byte[]>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly TaskCompletionSource<Metadata> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ReactorTimer _timer;
    private TransportConnection? _transport;
    private Http2ClientConnection? _http2;
    private Http2Stream? _stream;
    private Status? _status;
    private bool _isSendingDone;
    private bool _isWaitingToWrite;
    private int _unread;
    private int _uncredited;

    public GrpcStream(Reactor reactor, GrpcTarget target, HttpRequestHead request)
    {
        _reactor = reactor;
        _target = target;
        _request = request;
        _reader = new GrpcMessageReader(target.MaxMessageOctets);
        _timer = new ReactorTimer(reactor, static state => ((GrpcStream)state!).OnTimer(), this);
    }

    /// <summary>The server has answered; fails with the status when the call does.</summary>
    public Task<Metadata> Opened => _opened.Task;

    /// <summary>Messages as they came. Completes with an <see cref="RpcException"/> unless the status is OK. Each must be told by <see cref="Take"/>.</summary>
    public ChannelReader<byte[]> Messages => _messages.Reader;

    /// <summary>How the call ended, once it has.</summary>
    public Status Status => _status ?? new Status(StatusCode.Unknown, "the call goes on");

    /// <summary>Connects and begins. From any thread.</summary>
    public void Start()
    {
        if (!_reactor.Post(static state => ((GrpcStream)state!).Begin(), this)) End(new Status(StatusCode.Unavailable, "the proxy is shutting down"));
    }

    /// <summary>Sends a framed message; completes when HTTP/2 has taken all of it. From any thread.</summary>
    public Task SendAsync(byte[] frame)
    {
        var outgoing = new Outgoing(this, frame);
        if (!_reactor.Post(static state => ((Outgoing)state!).Enqueue(), outgoing)) outgoing.Fail(new Status(StatusCode.Unavailable, "the proxy is shutting down"));
        return outgoing.Completion;
    }

    /// <summary>No more messages will be sent. From any thread.</summary>
    public void CompleteSending() => _reactor.Post(
        static state =>
        {
            var stream = (GrpcStream)state!;
            stream._isSendingDone = true;
            stream.Pump();
        }, this);

    /// <summary>A message was taken from <see cref="Messages"/>. From any thread.</summary>
    public void Take() => _reactor.Post(static state => ((GrpcStream)state!).OnTaken(), this);

    /// <summary>Ends the call, if it goes on. From any thread.</summary>
    public void Cancel() => _reactor.Post(static state => ((GrpcStream)state!).End(new Status(StatusCode.Cancelled, "the call was cancelled")), this);

    public void OnInterimResponse(Http2Stream stream)
    {
    }

    public void OnResponse(Http2Stream stream, bool endStream)
    {
        if (GrpcResponseStatus.OfHead(_response) is { } refusal) End(refusal);
        else if (endStream) End(GrpcResponseStatus.OfTrailers(_response.Headers));
        else _opened.TrySetResult([]);
    }

    public void OnData(Http2Stream stream, ReadOnlySpan<byte> payload, bool endStream)
    {
        _uncredited += payload.Length;
        while (payload.Length > 0)
        {
            if (_reader.TryRead(ref payload, out byte[]? message) is { } refusal)
            {
                End(refusal);
                return;
            }

            if (message is null) continue;
            _unread++;
            _messages.Writer.TryWrite(message);
        }

        Credit();
        if (endStream) End(new Status(StatusCode.Unknown, "the server ended the stream without a status"));
    }

    public void OnTrailers(Http2Stream stream)
    {
        Status status = GrpcResponseStatus.OfTrailers(stream.Trailers);
        End(status.StatusCode == StatusCode.OK && !_reader.IsBetweenMessages ? new Status(StatusCode.Internal, "the stream ended within a message") : status);
    }

    public void OnReset(Http2Stream stream, Http2ErrorCode error, Http2ResetOrigin origin) => End(origin switch
    {
        Http2ResetOrigin.Peer => GrpcResponseStatus.OfReset(error, $"the server reset the stream: {error}"),
        Http2ResetOrigin.StreamError => new Status(StatusCode.Internal, $"the server's answer is malformed: {stream.Rejection.Reason}"),
        Http2ResetOrigin.GoAway => new Status(StatusCode.Unavailable, "the server is going away"),
        _ => new Status(StatusCode.Unavailable, "the connection ended"),
    });

    public void OnWindow(Http2Stream stream) => Pump();

    public void OnSettings()
    {
    }

    public void OnGoAway(Http2ErrorCode error)
    {
    }

    private void Begin()
    {
        if (_status is null) _reactor.Spawn(static stream => stream.RunAsync(), this);
    }

    private async ValueTask RunAsync()
    {
        TransportConnection? transport = await ConnectAsync();
        if (transport is null) return;
        if (_status is not null || _reactor.IsDraining)
        {
            transport.Abort();
            End(new Status(StatusCode.Unavailable, "the proxy is shutting down"));
            return;
        }

        _transport = transport;
        _http2 = new Http2ClientConnection(_target.Http2, Http1Limits.Default, this, _output, new Http2StreamPool(), new Http2Counters());
        _http2.Start(_reactor.NowMilliseconds);
        _stream = _http2.OpenStream(_request, _response, null, endStream: false, _reactor.NowMilliseconds);
        _reactor.DrainStarted += OnDrain;
        ArmTimer();
        Pump();
        try
        {
            while (_status is null && await transport.ReadableAsync()) Read(transport);
        }
        finally
        {
            End(new Status(StatusCode.Unavailable, "the connection was closed"));
        }
    }

    private async ValueTask<TransportConnection?> ConnectAsync()
    {
        long startedAt = _reactor.NowMilliseconds;
        EndPoint? address = await ResolveAsync();
        if (address is null) return null;
        var options = new ConnectOptions { Timeout = _target.ConnectTimeout };
        ConnectResult connected = await TransportConnector.ConnectAsync(_reactor, address, options);
        if (connected.Connection is not { } plain)
        {
            End(new Status(StatusCode.Unavailable, $"{address} cannot be reached: {connected.Error}"));
            return null;
        }

        if (_target.Tls is not { } tls) return plain;
        long left = (long)_target.ConnectTimeout.TotalMilliseconds - (_reactor.NowMilliseconds - startedAt);
        var endpoint = new EndpointSnapshot
        {
            State = new EndpointState(_target.ClusterName, address, reactorCount: 1),
            Hostname = _target.Server is DnsEndPoint dns ? dns.Host : string.Empty,
        };
        TlsOutcome outcome = await tls.ConnectAsync(plain, endpoint, new UpstreamGreeting([AlpnProtocol.Http2]), Math.Max(left, 1));
        if (outcome.Connection is { } encrypted) return encrypted;
        plain.Abort();
        End(new Status(StatusCode.Unavailable, $"{address}: {(outcome.IsTimeout ? "the TLS handshake took too long" : outcome.Reason)}"));
        return null;
    }

    private async ValueTask<EndPoint?> ResolveAsync()
    {
        if (_target.Server is not DnsEndPoint name) return TransportAddress.Of(_target.Server);
        HostResolution resolution = await _target.Resolver.ResolveAsync(name.Host, HostFamily.PreferV4, CancellationToken.None);
        if (!resolution.Addresses.IsEmpty) return new IPEndPoint(resolution.Addresses[0], name.Port);
        End(new Status(StatusCode.Unavailable, resolution.Failure ?? $"the name '{name.Host}' has no address"));
        return null;
    }

    /// <summary>Reads what there is. A buffer is rented for it and given back, because days may pass until the next octet.</summary>
    private void Read(TransportConnection transport)
    {
        using NativeBufferLease lease = new(_reactor.Buffers.Rent(BufferSize.Medium));
        while (_status is null)
        {
            IoResult result = transport.Read(lease.Span);
            if (result.Status == IoStatus.WouldBlock) break;
            if (!result.IsOk)
            {
                End(new Status(StatusCode.Unavailable, result.Status == IoStatus.EndOfStream ? "the server closed the connection" : $"the connection broke: {result.Error}"));
                return;
            }

            if (!_http2!.Receive(lease.Span[..result.Bytes], _reactor.NowMilliseconds))
            {
                End(new Status(StatusCode.Internal, $"the server broke HTTP/2: {_http2.Failure.Reason}"));
                return;
            }

            if (result.Bytes < lease.Span.Length) break;
        }

        Flush();
    }

    private void OnTaken()
    {
        _unread--;
        Credit();
        Flush();
    }

    /// <summary>Credit is given while nobody has to read first: what is incomplete must be able to grow, even beyond the window.</summary>
    private void Credit()
    {
        if (_unread > 0 || _stream is null || _uncredited == 0) return;
        _http2!.Consume(_stream, _uncredited);
        _uncredited = 0;
    }

    /// <summary>Frames what waits to be sent, as far as windows and socket allow, and writes.</summary>
    private void Pump()
    {
        if (_stream is not { } stream || _status is not null) return;
        while (_outgoing.TryPeek(out Outgoing? next))
        {
            // Whoever stops here is called again: by the socket when it has room, by HTTP/2 when a window opens.
            if (_output.PendingOctets >= MaxPendingOctets) Flush();
            if (_output.PendingOctets >= MaxPendingOctets) return;
            int sent = _http2!.SendData(stream, next.Frame.AsSpan(next.Sent), endStream: false);
            next.Sent += sent;
            if (next.Sent == next.Frame.Length) _outgoing.Dequeue().Complete();
            else if (sent == 0) break;
        }

        if (_isSendingDone && _outgoing.Count == 0 && !stream.IsLocalEnded) _http2!.EndStream(stream);
        Flush();
    }

    private void Flush()
    {
        if (_transport is not { } transport || _isWaitingToWrite) return;
        while (_output.PendingOctets > 0)
        {
            IoResult result = transport.Write(_output.Pending);
            if (result.IsOk)
            {
                _output.Take(result.Bytes);
                continue;
            }

            if (result.Status != IoStatus.WouldBlock) return; // The reader will be told.
            if (_status is not null) return;
            _isWaitingToWrite = true;
            _reactor.Spawn(static stream => stream.WaitToWriteAsync(), this);
            return;
        }
    }

    private async ValueTask WaitToWriteAsync()
    {
        bool goesOn = await _transport!.WritableAsync();
        _isWaitingToWrite = false;
        if (goesOn && _status is null) Pump();
    }

    private void OnTimer()
    {
        if (_status is not null) return;
        if (!_http2!.CheckTime(_reactor.NowMilliseconds))
        {
            End(new Status(StatusCode.Unavailable, $"the server does not answer: {_http2.Failure.Reason}"));
            return;
        }

        Flush();
        ArmTimer();
    }

    private void ArmTimer()
    {
        long deadline = _http2!.NextDeadline;
        if (deadline != long.MaxValue) _timer.Arm(deadline - _reactor.NowMilliseconds);
    }

    private void OnDrain() => End(new Status(StatusCode.Unavailable, "the proxy is shutting down"));

    /// <summary>The first reason counts. Says goodbye to the server as far as its buffers allow, closes, and tells whoever waits.</summary>
    private void End(Status status)
    {
        if (_status is not null) return;
        _status = status;
        // Not from here: this may be an event of the very connection that is to be closed.
        if (_transport is not null) _reactor.Post(static state => ((GrpcStream)state!).Close(), this);
        var fault = new RpcException(status);
        while (_outgoing.TryDequeue(out Outgoing? outgoing)) outgoing.Fail(status);
        _opened.TrySetException(fault);
        _messages.Writer.TryComplete(status.StatusCode == StatusCode.OK ? null : fault);
    }

    private void Close()
    {
        _reactor.DrainStarted -= OnDrain;
        _timer.Cancel();
        if (_stream is { } stream) _http2!.Release(stream);
        _stream = null;
        _http2!.Close(Http2ErrorCode.NoError);
        Flush();
        _transport!.Dispose();
    }

    /// <summary>A message on its way out.</summary>
    private sealed class Outgoing(GrpcStream stream, byte[] frame)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public byte[] Frame { get; } = frame;

        public int Sent { get; set; }

        public Task Completion => _done.Task;

        public void Enqueue()
        {
            if (stream._status is { } status)
            {
                Fail(status);
                return;
            }

            stream._outgoing.Enqueue(this);
            stream.Pump();
        }

        public void Complete() => _done.TrySetResult();

        public void Fail(Status status) => _done.TrySetException(new RpcException(status));
    }

    /// <summary>Gives a buffer back when its scope ends.</summary>
    private readonly ref struct NativeBufferLease(NativeBuffer buffer)
    {
        public Span<byte> Span => buffer.Span;

        public void Dispose() => buffer.Dispose();
    }
}

/// <summary>Where a call goes.</summary>
/// <param name="Server">Names are resolved at each attempt.</param>
/// <param name="ClusterName">The static cluster that it belongs to.</param>
/// <param name="Tls">Null: plain.</param>
/// <param name="ConnectTimeout">For connect and handshake together.</param>
/// <param name="MaxMessageOctets">Bound on a received message.</param>
/// <param name="Http2">Keep-alive and windows.</param>
internal sealed record GrpcTarget(
    EndPoint Server, IHostResolver Resolver, string ClusterName, UpstreamTls? Tls, TimeSpan ConnectTimeout, int MaxMessageOctets, Http2Options Http2);
