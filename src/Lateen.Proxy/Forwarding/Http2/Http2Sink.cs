using Lateen.Http;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Forwarding.Http2;

/// <summary>Where the content of one HTTP/2 stream goes: DATA frames within the peer's windows and the connection's room.</summary>
/// <remarks>Owner thread only. The exchange is woken when either grows again.</remarks>
internal sealed class Http2Sink : ContentSink
{
    private Http2Link _link = null!;
    private Http2Connection _connection = null!;
    private Http2Stream? _stream;
    private WakeSignal _user = null!;
    private long _left;
    private bool _waitsForRoom;
    private bool _waitsForWindow;
    private bool _hasFailed;
    private bool _isEnded;

    public override bool IsBlocked => _waitsForRoom || _waitsForWindow;

    public override bool HasFailed => _hasFailed || _link.HasFailed;

    /// <summary>Neighbours among those that wait for room.</summary>
    public Http2Sink? NextWaiting { get; set; }

    /// <inheritdoc cref="NextWaiting"/>
    public Http2Sink? PreviousWaiting { get; set; }

    public void Attach(Http2Link link, Http2Connection connection, WakeSignal user)
    {
        _link = link;
        _connection = connection;
        _user = user;
        _left = -1;
        _hasFailed = _isEnded = false;
    }

    /// <summary>The head was sent: content may follow.</summary>
    /// <param name="stream">Whose.</param>
    /// <param name="isEnded">The head has ended the stream.</param>
    /// <param name="length">
    /// Octets after which the stream ends, so that the last of them say so themselves; -1 when that is not known or trailers may follow.
    /// </param>
    public void Begin(Http2Stream stream, bool isEnded, long length = -1)
    {
        _stream = stream;
        _isEnded = isEnded;
        _left = length;
    }

    public override int Send(ReadOnlySpan<byte> payload)
    {
        if (IsBlocked || HasFailed || _stream is null) return 0;
        if (_link.IsFull) _link.Flush();
        if (_link.IsFull)
        {
            _waitsForRoom = true;
            _link.AwaitRoom(this);
            return 0;
        }

        bool isLast = _left == payload.Length;
        int sent = _connection.SendData(_stream, payload, endStream: isLast);
        if (_left > 0) _left -= sent;
        if (sent == payload.Length) _isEnded = isLast;
        else _waitsForWindow = true;
        return sent;
    }

    public override void End(HeaderBlock? trailers)
    {
        if (_isEnded || HasFailed || _stream is null) return;
        _isEnded = true;
        if (trailers is null) _connection.EndStream(_stream);
        else _connection.SendTrailers(_stream, trailers);
    }

    public override void Flush() => _link.RequestFlush();

    /// <summary>The peer's windows have grown.</summary>
    public void OnWindow() => _waitsForWindow = false;

    /// <summary>The connection has room again.</summary>
    public void OnRoom()
    {
        _waitsForRoom = false;
        _user.Wake();
    }

    /// <summary>The stream is no more.</summary>
    public void Fail()
    {
        _hasFailed = true;
        _stream = null;
        StopWaiting();
    }

    public void Detach()
    {
        StopWaiting();
        _stream = null;
        _link = null!;
        _connection = null!;
        _user = null!;
    }

    private void StopWaiting()
    {
        if (_waitsForRoom) _link.Forget(this);
        _waitsForRoom = _waitsForWindow = false;
    }
}
