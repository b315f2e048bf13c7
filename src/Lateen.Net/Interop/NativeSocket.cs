using System.Net;
using System.Text;

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

    /// <summary>One gathered write; the count of bytes taken, or -1 with the error number still to be read by the caller.</summary>
    internal static nint Send(int descriptor, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third)
    {
        fixed (byte* firstStart = first, secondStart = second, thirdStart = third)
        {
            var vectors = stackalloc LibC.IoVector[3];
            vectors[0] = new LibC.IoVector { Start = firstStart, Bytes = (nuint)first.Length };
            vectors[1] = new LibC.IoVector { Start = secondStart, Bytes = (nuint)second.Length };
            vectors[2] = new LibC.IoVector { Start = thirdStart, Bytes = (nuint)third.Length };
            LibC.MessageHeader message = default;
            message.Vectors = vectors;
            message.VectorCount = third.IsEmpty ? 2u : 3u;
            return LibC.SendMessage(descriptor, &message, Linux.MessageNoSignal);
        }
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
        fixed (byte* start = Terminated(path))
            LibC.Unlink(start);
    }

    /// <summary>
    /// Removes the file of a socket whose process is gone. What is not a socket, or what somebody listens on, stays, and binding fails.
    /// </summary>
    internal static void RemoveStaleSocketFile(UnixSocketEndPoint endPoint)
    {
        if (!IsSocketFile(endPoint.Path))
            return;
        var probe = Create(Linux.AddressFamilyUnix, out _);
        if (probe < 0)
            return;
        var errno = Connect(probe, endPoint);
        LibC.Close(probe);
        if (errno == Errno.ConnectionRefused)
            Unlink(endPoint.Path);
    }

    private static bool IsSocketFile(string path)
    {
        // struct statx is the one stat whose layout is the same on all machines: stx_mode is a u16 at 28.
        var result = stackalloc byte[Linux.StatResultBytes];
        fixed (byte* start = Terminated(path))
        {
            if (LibC.StatX(Linux.CurrentDirectory, start, Linux.StatNoFollow, Linux.StatTypeMask, result) != 0)
                return false;
        }

        return (*(ushort*)(result + Linux.StatModeOffset) & Linux.FileTypeMask) == Linux.FileTypeSocket;
    }

    private static byte[] Terminated(string path) => Encoding.UTF8.GetBytes(path + '\0');

    private static int WholeSeconds(TimeSpan time) => Math.Max((int)Math.Ceiling(time.TotalSeconds), 1);
}
