using System.Net;

namespace Lateen.Net.Interop;

/// <summary>Socket calls in terms of end points and options. Each answers an error number, 0 when it went well, unless said otherwise.</summary>
internal static unsafe class NativeSocket
{
    /// <summary>A non-blocking stream socket of the family; the descriptor, or -1.</summary>
    internal static int Create(int family, out int errno)
    {
        var descriptor = LibC.Socket(family, Linux.SockStream | Linux.SockNonBlock | Linux.SockCloseOnExec, 0);
        errno = descriptor < 0 ? Errno.Last : Errno.None;
        return descriptor;
    }

    internal static int SetOption(int descriptor, int level, int name, int value) =>
        LibC.SetSocketOption(descriptor, level, name, &value, sizeof(int)) == 0 ? Errno.None : Errno.Last;

    internal static int Bind(int descriptor, EndPoint endPoint)
    {
        var address = stackalloc byte[SocketAddressCodec.MaxBytes];
        var bytes = SocketAddressCodec.Write(endPoint, new Span<byte>(address, SocketAddressCodec.MaxBytes), out _);
        if (bytes == 0)
            return Errno.InvalidArgument;
        return LibC.Bind(descriptor, address, (uint)bytes) == 0 ? Errno.None : Errno.Last;
    }

    internal static int Connect(int descriptor, EndPoint endPoint)
    {
        var address = stackalloc byte[SocketAddressCodec.MaxBytes];
        var bytes = SocketAddressCodec.Write(endPoint, new Span<byte>(address, SocketAddressCodec.MaxBytes), out _);
        if (bytes == 0)
            return Errno.InvalidArgument;
        return LibC.Connect(descriptor, address, (uint)bytes) == 0 ? Errno.None : Errno.Last;
    }

    internal static EndPoint LocalAddress(int descriptor)
    {
        var address = stackalloc byte[SocketAddressCodec.MaxBytes];
        uint bytes = SocketAddressCodec.MaxBytes;
        return LibC.GetSocketName(descriptor, address, &bytes) == 0
            ? SocketAddressCodec.Read(new ReadOnlySpan<byte>(address, (int)bytes))
            : UnixSocketEndPoint.Unnamed;
    }

    internal static int TakeError(int descriptor)
    {
        var error = 0;
        uint bytes = sizeof(int);
        return LibC.GetSocketOption(descriptor, Linux.LevelSocket, Linux.SocketError, &error, &bytes) == 0 ? error : Errno.Last;
    }

    /// <summary>SO_ORIGINAL_DST of the packet filter's connection tracking; null where the connection was not redirected.</summary>
    internal static EndPoint? OriginalDestination(int descriptor, EndPoint local)
    {
        if (local is not IPEndPoint ip)
            return null;
        var level = ip.Address.GetAddressBytes().Length == 4 ? Linux.LevelIp : Linux.LevelIpv6;
        var address = stackalloc byte[SocketAddressCodec.MaxBytes];
        uint bytes = SocketAddressCodec.MaxBytes;
        if (LibC.GetSocketOption(descriptor, level, Linux.OriginalDestination, address, &bytes) != 0)
            return null;
        return SocketAddressCodec.Read(new ReadOnlySpan<byte>(address, (int)bytes));
    }

    /// <summary>SO_LINGER on with time 0: close sends RST and frees the socket at once. Unix sockets ignore it.</summary>
    internal static void ResetOnClose(int descriptor)
    {
        // struct linger { int l_onoff; int l_linger; }
        var linger = 1L;
        LibC.SetSocketOption(descriptor, Linux.LevelSocket, Linux.Linger, &linger, sizeof(long));
    }

    internal static int SetKeepAlive(int descriptor, KeepAliveOptions keepAlive)
    {
        var errno = SetOption(descriptor, Linux.LevelSocket, Linux.KeepAlive, 1);
        if (errno == Errno.None && keepAlive.Idle is { } idle)
            errno = SetOption(descriptor, Linux.LevelTcp, Linux.TcpKeepIdle, WholeSeconds(idle));
        if (errno == Errno.None && keepAlive.Interval is { } interval)
            errno = SetOption(descriptor, Linux.LevelTcp, Linux.TcpKeepInterval, WholeSeconds(interval));
        if (errno == Errno.None && keepAlive.Probes is { } probes)
            errno = SetOption(descriptor, Linux.LevelTcp, Linux.TcpKeepCount, probes);
        return errno;
    }

    internal static void Unlink(string path)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(path + '\0');
        fixed (byte* start = bytes)
            LibC.Unlink(start);
    }

    private static int WholeSeconds(TimeSpan time) => Math.Max((int)Math.Ceiling(time.TotalSeconds), 1);
}
