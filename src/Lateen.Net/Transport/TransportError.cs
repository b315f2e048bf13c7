using Lateen.Net.Interop;

namespace Lateen.Net;

/// <summary>Why an operation on a transport failed, as far as a proxy's decisions (retry, response flag, back off) need to tell causes apart.</summary>
public enum TransportError : byte
{
    None = 0,

    /// <summary>The peer reset the connection (RST), or the write side met a closed peer (EPIPE).</summary>
    ConnectionReset,

    /// <summary>Nobody listens there.</summary>
    ConnectionRefused,

    /// <summary>The connect timeout, TCP's user timeout, or keepalive ran out.</summary>
    TimedOut,

    /// <summary>No route to the host or network.</summary>
    Unreachable,

    /// <summary>The address to listen on is taken.</summary>
    AddressInUse,

    /// <summary>The address is not one of this host's, is malformed, or of a family that is not supported.</summary>
    AddressInvalid,

    /// <summary>The kernel or its rules refused (EACCES, EPERM): a low port without the capability, a firewall, a socket file's mode.</summary>
    AccessDenied,

    /// <summary>Out of descriptors, ports, socket buffers or memory (EMFILE, ENFILE, ENOBUFS, ENOMEM, EAGAIN from connect).</summary>
    ResourceExhausted,

    /// <summary>This side closed or aborted the connection, or gave up on the connect.</summary>
    ClosedLocally,

    /// <summary>The peer broke the protocol of a layer below HTTP, such as TLS.</summary>
    ProtocolViolation,

    /// <summary>None of the above; the error number tells more.</summary>
    Other,
}

/// <summary>Sorts error numbers into <see cref="TransportError"/>.</summary>
internal static class TransportErrors
{
    internal static TransportError FromErrno(int errno) => errno switch
    {
        Errno.None => TransportError.None,
        Errno.ConnectionReset or Errno.BrokenPipe or Errno.ConnectionAborted or Errno.NotConnected => TransportError.ConnectionReset,
        // A missing socket file is to a unix address what a closed port is to TCP.
        Errno.ConnectionRefused or Errno.NoEntry => TransportError.ConnectionRefused,
        Errno.TimedOut => TransportError.TimedOut,
        Errno.NetworkUnreachable or Errno.HostUnreachable or Errno.HostDown or Errno.NetworkDown => TransportError.Unreachable,
        Errno.AddressInUse => TransportError.AddressInUse,
        Errno.AddressNotAvailable or Errno.InvalidArgument => TransportError.AddressInvalid,
        Errno.AccessDenied or Errno.NotPermitted => TransportError.AccessDenied,
        Errno.ProcessFileTableFull or Errno.SystemFileTableFull or Errno.NoBuffers or Errno.NoMemory or Errno.Again => TransportError.ResourceExhausted,
        Errno.Canceled or Errno.BadDescriptor => TransportError.ClosedLocally,
        Errno.Protocol => TransportError.ProtocolViolation,
        _ => TransportError.Other,
    };
}
