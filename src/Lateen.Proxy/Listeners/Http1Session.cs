using System.Runtime.CompilerServices;
using Lateen.Http;
using Lateen.Net;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.Streams;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Listeners;

/// <summary>
/// A client's HTTP/1.1 connection from accept to close: read a head, see its exchange through, and again, one request after the other.
/// </summary>
/// <remarks>
/// One reactor. Between requests it holds a transport, a timer and its own state machine, and no buffer. Pipelined requests wait in the read
/// buffer, or in the kernel's, until the one before them is answered (RFC 9112 section 9.3.2).
/// </remarks>
internal sealed class Http1Session : ITransportObserver, IDownstreamSession
{
    private readonly ProxyWorker _worker;
    private readonly DownstreamConnection _connection;
    private readonly TransportConnection _transport;
    private readonly WaitableSignal _signal = new();
    private readonly ReactorTimer _timer;
    private Http1DownstreamStream? _stream;
    private long _waitingSince;
    private long _headBeganAt = -1;
    private long _drainedOctets;
    private long _drainEndsAt;
    private uint _requests;
    private bool _isDraining;
    private bool _isHeadLate;
    private bool _mayBeHttp2;
    private bool _isVersionCounted;
    private bool _isHandedOver;

    /// <param name="connection">The client.</param>
    /// <param name="mayBeHttp2">Nobody has said which version it speaks: its first bytes do.</param>
    public Http1Session(DownstreamConnection connection, bool mayBeHttp2)
    {
        ProxyWorker worker = connection.Worker;
        _worker = worker;
        _transport = connection.Transport;
        _connection = connection;
        _mayBeHttp2 = mayBeHttp2;
        _timer = new ReactorTimer(worker.Reactor, static state => ((Http1Session)state!)._signal.Wake(), this);
    }

    private enum Next : byte
    {
        Wait,
        Exchange,
        Close,

        /// <summary>The client speaks HTTP/2.</summary>
        Http2,
    }

    /// <summary>Another request is welcome after the current one.</summary>
    public bool MayKeepAlive => !_isDraining && !Scope.IsDraining && !_worker.IsDraining && !IsUsedUp() && !IsTooOld();

    public ListenerScope Scope => _connection.Profile.Scope;

    private HttpConnectionProfile Profile => _connection.Profile;

    /// <summary>The whole life of the connection.</summary>
    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    public async ValueTask RunAsync()
    {
        Open();
        try
        {
            while (true)
            {
                Next next = ReadHead();
                if (next is Next.Close or Next.Http2) break;
                if (next == Next.Wait)
                {
                    await _signal.WaitAsync();
                    continue;
                }

                Forwarder forwarder = BeginExchange();
                while (!forwarder.Advance()) await _signal.WaitAsync();
                forwarder.End();
                if (!_stream!.MayContinue) break;
                while ((next = DrainContent()) == Next.Wait) await _signal.WaitAsync();
                if (next == Next.Close) break;
                EndExchange();
            }

            // What is still unread would turn our close into a reset, which may overtake the response.
            if (!_isHandedOver && IsLingering()) while (Linger()) await _signal.WaitAsync();
        }
        finally
        {
            if (!_isHandedOver) Close();
        }

        if (_isHandedOver) await HandOver(out Http1DownstreamStream seen).RunAsync(seen);
    }

    /// <summary>The connection ends with its current exchange, at once if there is none.</summary>
    public void BeginDrain()
    {
        _isDraining = true;
        _signal.Wake();
    }

    void ITransportObserver.OnReady(TransportConnection connection) => _signal.Wake();

    private void Open()
    {
        _transport.Observer = this;
        _worker.Enter(this);
        _waitingSince = _worker.Reactor.NowMilliseconds;
        StatShard shard = _worker.Shard;
        HttpConnectionManagerStats stats = Profile.Stats;
        shard.Increment(Profile.ListenerStats.ConnectionTotal);
        shard.Increment(Profile.ListenerStats.ConnectionActive);
        shard.Increment(stats.ConnectionTotal);
        shard.Increment(stats.ConnectionActive);
        if (!_mayBeHttp2) CountVersion();
    }

    private void CountVersion()
    {
        _isVersionCounted = true;
        _mayBeHttp2 = false;
        _worker.Shard.Increment(Profile.Stats.ConnectionHttp1Total);
        _worker.Shard.Increment(Profile.Stats.ConnectionHttp1Active);
    }

    /// <summary>
    /// Looks whether the client's first bytes are the preface of HTTP/2 (RFC 9113 section 3.4), which no HTTP/1.1 request can be.
    /// </summary>
    /// <returns>False while they may become it.</returns>
    private bool TryFindVersion(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;
        bool isLike = bytes.StartsWith(preface) || preface.StartsWith(bytes);
        if (isLike && bytes.Length < preface.Length) return false;
        if (!isLike) CountVersion();
        else _isHandedOver = true;
        return true;
    }

    /// <summary>Lets go of the connection, for the session that goes on with it.</summary>
    private Http2Session HandOver(out Http1DownstreamStream seen)
    {
        _timer.Cancel();
        _transport.Observer = null;
        _worker.Leave(this);
        seen = _stream!;
        _stream = null;
        return new Http2Session(_connection, isCounted: true);
    }

    /// <summary>Reads until a request's head is complete or nothing more is there.</summary>
    private Next ReadHead()
    {
        if (_transport.IsClosed) return Next.Close;
        if (_stream is null)
        {
            if (!_transport.CanRead) return WaitForRequest();
            _stream = _worker.RentStream();
            _stream.Attach(this, _transport, Profile.Listener.BufferLimitBytes, Profile.Manager.Http1.EnableTrailers);
        }

        HttpRequestHead head = _stream.Exchange.Request;
        while (true)
        {
            if (_stream.Buffer.IsEmpty)
            {
                IoResult result = _stream.Buffer.Fill(_transport);
                if (result.Status == IoStatus.WouldBlock) return WaitForRequest();
                if (!result.IsOk) return Next.Close;
            }

            if (_headBeganAt < 0) _headBeganAt = _worker.Reactor.NowMicroseconds;
            if (_mayBeHttp2)
            {
                if (!TryFindVersion(_stream.Buffer.Unread))
                {
                    IoResult result = _stream.Buffer.Fill(_transport);
                    if (result.Status == IoStatus.WouldBlock) return WaitForRequest();
                    if (!result.IsOk) return Next.Close;
                    continue;
                }

                if (_isHandedOver) return Next.Http2;
            }

            ParseStatus status = Profile.Parser.Parse(head, _stream.Buffer.Unread, out int consumed);
            _stream.Buffer.Consume(consumed);
            if (status != ParseStatus.NeedMore) return Next.Exchange;
        }
    }

    /// <summary>No complete head, and nothing to read: give back what is not needed, and see how long this may last.</summary>
    private Next WaitForRequest()
    {
        bool hasBegun = _headBeganAt >= 0;
        if (!hasBegun && _stream is not null) ReturnStream();
        else _stream?.Buffer.ReleaseIfEmpty();
        if (_isDraining && !hasBegun) return Next.Close;

        long now = _worker.Reactor.NowMilliseconds;
        long until = long.MaxValue;
        if (hasBegun)
        {
            until = (_headBeganAt / 1000) + Profile.HeadMilliseconds;
            if (now >= until) return RefuseSlowHead();
        }
        else
        {
            if (Profile.IdleMilliseconds > 0) until = _waitingSince + Profile.IdleMilliseconds;
            if (now >= until)
            {
                _worker.Shard.Increment(Profile.Stats.ConnectionIdleTimeout);
                return Next.Close;
            }
        }

        if (Profile.MaxConnectionMilliseconds > 0)
        {
            if (!hasBegun && IsTooOld()) return Next.Close;
            until = Math.Min(until, _connection.OpenedAt + Profile.MaxConnectionMilliseconds);
        }

        if (until != long.MaxValue) _timer.Arm(until - now);
        return Next.Wait;
    }

    private Next RefuseSlowHead()
    {
        _worker.Shard.Increment(Profile.Stats.RequestHeaderTimeout);
        _isHeadLate = true;
        return Next.Exchange;
    }

    private Forwarder BeginExchange()
    {
        Http1DownstreamStream stream = _stream!;
        if (stream.Exchange.Request.Rejection.Code != HttpRejectionCode.None) _worker.Shard.Increment(Profile.Stats.ConnectionProtocolError);
        _requests++;
        _drainedOctets = 0;
        _drainEndsAt = 0;
        stream.BeginMessage(Profile.Limits);
        stream.Forwarder.Begin(_connection, stream, _signal, _headBeganAt, _isHeadLate);
        return stream.Forwarder;
    }

    /// <summary>After an early response: reads the rest of the request's content away, within a bound of octets and one of time.</summary>
    private Next DrainContent()
    {
        ContentSource content = _stream!.Content;
        while (true)
        {
            switch (content.Peek(out ReadOnlySpan<byte> payload))
            {
                case ContentStatus.End:
                    return Next.Exchange;
                case ContentStatus.Payload:
                    _drainedOctets += payload.Length;
                    content.Take(payload.Length);
                    if (_drainedOctets > Http1DownstreamStream.MaxDrainedOctets) return Next.Close;
                    continue;
                case ContentStatus.Wait:
                    long now = _worker.Reactor.NowMilliseconds;
                    if (_drainEndsAt == 0) _drainEndsAt = now + Profile.DelayedCloseMilliseconds;
                    if (now >= _drainEndsAt || _transport.IsPeerClosed) return Next.Close;
                    _timer.Arm(_drainEndsAt - now);
                    return Next.Wait;
                default:
                    return Next.Close;
            }
        }
    }

    private void EndExchange()
    {
        _headBeganAt = -1;
        _waitingSince = _worker.Reactor.NowMilliseconds;
        _stream!.EndMessage();
        if (_stream.Buffer.IsEmpty && !_transport.CanRead) ReturnStream();
    }

    private void ReturnStream()
    {
        Http1DownstreamStream stream = _stream!;
        _stream = null;
        stream.Detach();
        _worker.ReturnStream(stream);
    }

    private bool IsUsedUp() => Profile.Manager.Limits.MaxRequestsPerConnection is > 0 and var max && _requests >= max;

    private bool IsTooOld() =>
        Profile.MaxConnectionMilliseconds > 0 && _worker.Reactor.NowMilliseconds - _connection.OpenedAt >= Profile.MaxConnectionMilliseconds;

    private bool IsLingering()
    {
        if (_transport.IsClosed || _transport.IsPeerClosed || _stream is null || Profile.DelayedCloseMilliseconds == 0) return false;
        bool isClean = _stream.Buffer.IsEmpty && !_transport.CanRead && _stream.IsContentRead;
        if (isClean) return false;
        _transport.ShutdownWrite();
        _waitingSince = _worker.Reactor.NowMilliseconds;
        _timer.Arm(Profile.DelayedCloseMilliseconds);
        return true;
    }

    /// <summary>Reads away what the client still sends.</summary>
    /// <returns>False when the connection may be closed.</returns>
    private bool Linger()
    {
        if (_worker.Reactor.NowMilliseconds - _waitingSince >= Profile.DelayedCloseMilliseconds)
        {
            _worker.Shard.Increment(Profile.Stats.ConnectionDelayedCloseTimeout);
            return false;
        }

        while (true)
        {
            _stream!.Buffer.Discard();
            IoResult result = _stream.Buffer.Fill(_transport);
            if (result.Status == IoStatus.WouldBlock) return true;
            if (!result.IsOk) return false;
        }
    }

    private void Close()
    {
        bool isByPeer = _transport.IsPeerClosed;
        _transport.Observer = null;
        _timer.Cancel();
        _worker.Leave(this);
        StatShard shard = _worker.Shard;
        HttpConnectionManagerStats stats = Profile.Stats;
        shard.Decrement(Profile.ListenerStats.ConnectionActive);
        shard.Increment(Profile.ListenerStats.ConnectionDestroy);
        shard.Record(Profile.ListenerStats.ConnectionLength, _worker.Reactor.NowMilliseconds - _connection.OpenedAt);
        shard.Decrement(stats.ConnectionActive);
        if (_isVersionCounted) shard.Decrement(stats.ConnectionHttp1Active);
        shard.Increment(stats.ConnectionDestroy);
        shard.Increment(isByPeer ? stats.ConnectionDestroyRemote : stats.ConnectionDestroyLocal);
        if (_stream is { IsReset: true }) stats.CountCutConnection(shard, isByPeer);
        if (_isDraining || Scope.IsDraining || _worker.IsDraining) shard.Increment(stats.ConnectionDrainClose);
        else if (IsUsedUp()) shard.Increment(stats.ConnectionMaxRequestsReached);
        else if (IsTooOld()) shard.Increment(stats.ConnectionMaxDurationReached);
        shard.Record(stats.ConnectionLength, _worker.Reactor.NowMilliseconds - _connection.OpenedAt);
        shard.Add(stats.ConnectionReceivedBytes, _transport.BytesRead);
        shard.Add(stats.ConnectionSentBytes, _transport.BytesWritten);
        if (_stream is { } stream)
        {
            _stream = null;
            // A stream whose exchange was broken off is not trusted with another one.
            bool isSound = !stream.Forwarder.Break();
            stream.Detach();
            if (isSound) _worker.ReturnStream(stream);
        }

        _transport.Dispose();
    }
}
