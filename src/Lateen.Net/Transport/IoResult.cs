using Lateen.Net.Interop;

namespace Lateen.Net;

/// <summary>What became of one read or write.</summary>
public enum IoStatus : byte
{
    /// <summary><see cref="IoResult.Bytes"/> were moved; fewer than asked means that the next attempt should follow a wait.</summary>
    Ok = 0,

    /// <summary>Nothing was moved and nothing is wrong: await readability or writability.</summary>
    WouldBlock,

    /// <summary>The peer ended its side in good order (FIN). Reads only.</summary>
    EndOfStream,

    /// <summary>The connection is dead; <see cref="IoResult.Error"/> says why.</summary>
    Failed,
}

/// <summary>
/// Outcome of one read or write: count of bytes and status. Eight bytes, so that it travels in a register. A peer's behaviour never throws.
/// </summary>
public readonly struct IoResult : IEquatable<IoResult>
{
    private readonly int _bytes;
    private readonly ushort _errno;
    private readonly IoStatus _status;

    private IoResult(int bytes, IoStatus status, ushort errno)
    {
        _bytes = bytes;
        _status = status;
        _errno = errno;
    }

    /// <summary>Bytes moved; above 0 only with <see cref="IoStatus.Ok"/>.</summary>
    public int Bytes => _bytes;

    public IoStatus Status => _status;

    public bool IsOk => _status == IoStatus.Ok;

    /// <summary>The cause, <see cref="TransportError.None"/> unless the status is <see cref="IoStatus.Failed"/>.</summary>
    public TransportError Error => TransportErrors.FromErrno(_errno);

    /// <summary>The system's error number behind <see cref="Error"/>, for logs.</summary>
    public int ErrorNumber => _errno;

    public static IoResult WouldBlock => new(0, IoStatus.WouldBlock, 0);

    public static IoResult EndOfStream => new(0, IoStatus.EndOfStream, 0);

    /// <summary>The connection was closed on this side.</summary>
    public static IoResult ClosedLocally => new(0, IoStatus.Failed, Errno.Canceled);

    public static IoResult Ok(int bytes) => new(bytes, IoStatus.Ok, 0);

    /// <summary>A failure by its system error number; a layer above the socket, such as TLS, uses EPROTO (71) for its own.</summary>
    public static IoResult Failed(int errorNumber) => new(0, IoStatus.Failed, (ushort)errorNumber);

    public static bool operator ==(IoResult left, IoResult right) => left.Equals(right);

    public static bool operator !=(IoResult left, IoResult right) => !left.Equals(right);

    public bool Equals(IoResult other) => other._bytes == _bytes && other._status == _status && other._errno == _errno;

    public override bool Equals(object? obj) => obj is IoResult other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_bytes, _status, _errno);

    public override string ToString() => _status switch
    {
        IoStatus.Ok => $"{_bytes} bytes",
        IoStatus.Failed => $"{Error} (errno {_errno})",
        _ => _status.ToString(),
    };
}
