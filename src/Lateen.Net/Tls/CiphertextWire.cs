namespace Lateen.Net.Tls;

/// <summary>
/// The connection under TLS as OpenSSL needs to see it: a send takes a whole record or nothing. What the transport does not take of it is
/// held here and goes first when there is room again.
/// </summary>
/// <remarks>
/// That keeps OpenSSL out of the state where a half-sent record obliges the caller to repeat the very same write, which
/// <see cref="TransportConnection.Write(ReadOnlySpan{byte})"/> promises to nobody.
/// </remarks>
internal sealed class CiphertextWire
{
    private NativeBuffer? _held;
    private int _heldStart;
    private int _heldEnd;
    private IoResult _sendFailure;

    internal CiphertextWire(TransportConnection inner) => Inner = inner;

    internal TransportConnection Inner { get; }

    /// <summary>Ciphertext waits for room.</summary>
    internal bool HasHeld => _held is not null;

    /// <summary>The transport refuses for good; <see cref="SendFailure"/> is its word.</summary>
    internal bool CannotSend => _sendFailure.Status == IoStatus.Failed;

    internal IoResult SendFailure => _sendFailure;

    /// <summary>What the last <see cref="Receive"/> of the current operation met.</summary>
    internal IoResult LastReceive { get; private set; }

    /// <summary>A <see cref="Send"/> of the current operation was refused for want of room.</summary>
    internal bool IsSendBlocked { get; private set; }

    /// <summary>Octets received since the connection began.</summary>
    internal long ReceivedBytes { get; private set; }

    /// <summary>Forgets what the last operation met.</summary>
    internal void BeginOperation()
    {
        LastReceive = IoResult.Ok(0);
        IsSendBlocked = false;
    }

    internal IoResult Receive(Span<byte> buffer)
    {
        var result = Inner.Read(buffer);
        LastReceive = result;
        ReceivedBytes += result.Bytes;
        return result;
    }

    /// <summary>Takes all of it, now or to hold; <see cref="IoStatus.WouldBlock"/> when there is no room to hold it.</summary>
    internal IoResult Send(ReadOnlySpan<byte> bytes)
    {
        if (CannotSend)
            return _sendFailure;
        var taken = 0;
        if (_held is null)
        {
            var result = Inner.Write(bytes);
            if (result.Status == IoStatus.Failed)
                return _sendFailure = result;
            taken = result.Bytes;
        }

        var rest = bytes[taken..];
        if (!rest.IsEmpty && !Hold(rest))
        {
            IsSendBlocked = true;
            return IoResult.WouldBlock;
        }

        return IoResult.Ok(bytes.Length);
    }

    /// <summary>Sends what is held as far as it goes.</summary>
    internal void Flush()
    {
        while (_held is { } held)
        {
            var result = Inner.Write(held.Span[_heldStart.._heldEnd]);
            if (result.Status == IoStatus.Failed)
                _sendFailure = result;
            else if (result.Bytes == 0)
                return;
            _heldStart += result.Bytes;
            if (_heldStart == _heldEnd || CannotSend)
                Drop();
        }
    }

    /// <summary>Gives the buffer back, sent or not.</summary>
    internal void Drop()
    {
        var held = _held;
        _held = null;
        _heldStart = 0;
        _heldEnd = 0;
        held?.Dispose();
    }

    /// <summary>Appends; false when the largest buffer has no room for it. One record always fits into an empty one.</summary>
    private bool Hold(ReadOnlySpan<byte> bytes)
    {
        var length = _heldEnd - _heldStart;
        if (_held is null || _held.Length - _heldEnd < bytes.Length)
        {
            if (length + bytes.Length > BufferPool.BytesOf(BufferSize.Large))
                return false;
            Move(length, length + bytes.Length);
        }

        bytes.CopyTo(_held!.Span[_heldEnd..]);
        _heldEnd += bytes.Length;
        return true;
    }

    private void Move(int length, int needed)
    {
        var size = BufferSize.Small;
        while (BufferPool.BytesOf(size) < needed)
            size++;
        var next = Inner.Reactor.Buffers.Rent(size);
        _held?.Span[_heldStart.._heldEnd].CopyTo(next.Span);
        _held?.Dispose();
        _held = next;
        _heldStart = 0;
        _heldEnd = length;
    }
}
