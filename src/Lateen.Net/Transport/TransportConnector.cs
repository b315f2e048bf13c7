using System.Net;
using System.Runtime.CompilerServices;
using Lateen.Net.Interop;

namespace Lateen.Net;

/// <summary>Opens connections without blocking. What goes wrong is a value, since an upstream that refuses is normal life for a proxy.</summary>
public static class TransportConnector
{
    /// <summary>
    /// Connects to <paramref name="endPoint"/> from <paramref name="reactor"/>, on whose thread this is called and which owns the result.
    /// </summary>
    /// <param name="reactor">The owner.</param>
    /// <param name="endPoint">An <see cref="IPEndPoint"/> or <see cref="UnixSocketEndPoint"/>; names are resolved elsewhere.</param>
    /// <param name="options">Timeout and socket options.</param>
    /// <param name="cancellation">Gives up; the result says <see cref="TransportError.ClosedLocally"/>.</param>
    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    public static async ValueTask<ConnectResult> ConnectAsync(
        Reactor reactor, EndPoint endPoint, ConnectOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(reactor);
        ArgumentNullException.ThrowIfNull(options);
        reactor.VerifyAccess();
        var connection = Begin(reactor, endPoint, options, out var errno, out var isPending);
        if (connection is null)
            return Failed(reactor, TransportErrors.FromErrno(errno), errno);
        if (isPending)
        {
            var deadline = new ReactorTimer(reactor, static state => ((TransportConnection)state!).InterruptWritable(), connection);
            deadline.Arm(options.Timeout);
            bool established;
            using (cancellation.UnsafeRegister(GiveUp, connection))
                established = await connection.WritableAsync();
            var hasTimedOut = !deadline.IsArmed;
            deadline.Cancel();
            errno = established ? connection.TakeSocketError() : Errno.None;
            if (!established || errno != Errno.None)
            {
                connection.Abort();
                if (established)
                    return Failed(reactor, TransportErrors.FromErrno(errno), errno);
                return Failed(reactor, hasTimedOut ? TransportError.TimedOut : TransportError.ClosedLocally, 0);
            }
        }

        if (IsConnectedToItself(connection))
        {
            connection.Abort();
            return Failed(reactor, TransportError.ConnectionRefused, Errno.ConnectionRefused);
        }

        reactor.Counters.ConnectedCount++;
        return new ConnectResult(connection, TransportError.None, 0);
    }

    private static void GiveUp(object? state)
    {
        var connection = (TransportConnection)state!;
        connection.Reactor.Post(static state => ((TransportConnection)state!).InterruptWritable(), connection);
    }

    private static SocketConnection? Begin(Reactor reactor, EndPoint endPoint, ConnectOptions options, out int errno, out bool isPending)
    {
        isPending = false;
        Span<byte> address = stackalloc byte[SocketAddressCodec.MaxBytes];
        if (SocketAddressCodec.Write(endPoint, address, out var family) == 0)
        {
            errno = Errno.InvalidArgument;
            return null;
        }

        var descriptor = NativeSocket.Create(family, out errno);
        if (descriptor < 0)
            return null;
        errno = Configure(descriptor, family, options);
        if (errno == Errno.None)
            errno = NativeSocket.Connect(descriptor, endPoint);
        isPending = errno == Errno.InProgress;
        if (errno == Errno.None || isPending)
            return SocketConnection.Open(reactor, descriptor, endPoint, null, isConnected: !isPending, null, out errno);
        LibC.Close(descriptor);
        return null;
    }

    private static int Configure(int descriptor, int family, ConnectOptions options)
    {
        var errno = Errno.None;
        if (family != Linux.AddressFamilyUnix)
        {
            if (options.NoDelay)
                errno = NativeSocket.SetOption(descriptor, Linux.LevelTcp, Linux.TcpNoDelay, 1);
            if (errno == Errno.None && options.KeepAlive is { } keepAlive)
                errno = NativeSocket.SetKeepAlive(descriptor, keepAlive);
        }

        if (errno == Errno.None && options.Source is { } source)
            errno = NativeSocket.Bind(descriptor, source);
        return errno;
    }

    /// <summary>
    /// A connect to a free port of the ephemeral range on this host can be given that same port as its source, and TCP's simultaneous
    /// open then connects the socket to itself. To a proxy that is a dead upstream that echoes requests: call it refused.
    /// </summary>
    private static bool IsConnectedToItself(SocketConnection connection) =>
        connection.RemoteEndPoint is IPEndPoint { Address: var address } remote && IPAddress.IsLoopback(address)
        && remote.Equals(connection.LocalEndPoint);

    private static ConnectResult Failed(Reactor reactor, TransportError error, int errno)
    {
        reactor.Counters.ConnectFailedCount++;
        return new ConnectResult(null, error, errno);
    }
}
