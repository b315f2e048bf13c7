using System.Net;
using System.Net.Sockets;
using Lateen.Proxy.Logging;

namespace Lateen.Proxy.Admin;

/// <summary>Serves the admin pages over HTTP/1.1, apart from the reactors: no page, however long, delays a request.</summary>
/// <remarks>
/// Meant for loopback. Requests that a web page in a browser could forge are refused: a command whose <c>Origin</c> is another site, and,
/// when the server is bound to loopback, any request whose <c>Host</c> is a name other than localhost (DNS rebinding).
/// </remarks>
public sealed class AdminServer : IAsyncDisposable
{
    /// <summary>Connections at once. Count; hit: further ones wait in the accept queue.</summary>
    public const int MaxConnections = 32;

    private readonly AdminSite _site;
    private readonly Logger _log;
    private readonly TimeProvider _time;
    private readonly AdminAccessLogs? _accessLogs;
    private readonly Socket _socket;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _room = new(MaxConnections);
    private readonly Task _accepting;

    /// <summary>Binds and begins to serve.</summary>
    /// <param name="address">An <see cref="IPEndPoint"/> (port 0 for a free one) or a unix socket's.</param>
    /// <param name="site">The pages.</param>
    /// <param name="log">Component <c>admin</c>: commands are logged with who asked.</param>
    /// <param name="time">The clock of the <c>date</c> header and of idle connections.</param>
    /// <param name="accessLogs">Where requests are written down; null: nowhere.</param>
    /// <exception cref="SocketException">The address cannot be bound.</exception>
    public AdminServer(EndPoint address, AdminSite site, ProxyLog log, TimeProvider time, AdminAccessLogs? accessLogs = null)
    {
        _site = site;
        _log = log.For("admin");
        _time = time;
        _accessLogs = accessLogs;
        _socket = new Socket(address.AddressFamily, SocketType.Stream, address is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        try
        {
            if (address is IPEndPoint) _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            _socket.Bind(address);
            _socket.Listen(128);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }

        Address = _socket.LocalEndPoint!;
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Where it is bound, with the real port.</summary>
    public EndPoint Address { get; }

    /// <summary>Stops serving; requests in progress are cut.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _socket.Dispose();
        await _accepting.ConfigureAwait(false);
        for (var i = 0; i < MaxConnections; i++) await _room.WaitAsync().ConfigureAwait(false);
        _room.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _room.WaitAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            Socket? connection = null;
            try
            {
                connection = await _socket.AcceptAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // Out of descriptors, or a client that left before it was taken. Pause, so that a full table is no busy loop.
                if (!_stop.IsCancellationRequested)
                {
                    _log.Warning($"cannot accept a connection: {failure.Message}");
                    await Task.Delay(TimeSpan.FromMilliseconds(100), _time, CancellationToken.None).ConfigureAwait(false);
                }
            }

            if (connection is null) _room.Release();
            else _ = ServeAsync(connection);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            using (socket)
            {
                var connection = new AdminConnection(socket, _site, _log, _accessLogs, _time, isLoopback: Address is IPEndPoint ip && IPAddress.IsLoopback(ip.Address));
                await connection.RunAsync(_stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception failure) when (failure is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            _log.Debug($"a client left: {failure.Message}");
        }
        catch (Exception defect)
        {
            _log.Error($"a defect in the admin server cost one connection; please report it: {defect}");
        }
        finally
        {
            _room.Release();
        }
    }
}
