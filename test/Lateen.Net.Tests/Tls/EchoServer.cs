using System.Net;
using Lateen.Net.Tls;

namespace Lateen.Net.Tests.Tls;

/// <summary>A TLS server that sends back what it gets.</summary>
internal sealed class EchoServer : IAsyncDisposable
{
    private readonly TestReactor _test = new();
    private readonly TransportListener _listener;
    private TlsConnection? _last;

    internal EchoServer(TlsServerOptions options)
    {
        var context = TlsHarness.Server(options);
        _listener = _test.Listen(connection => Serve(connection, context));
    }

    internal EndPoint EndPoint => _listener.LocalEndPoint;

    internal string Address => EndPoint.ToString()!;

    internal Reactor Reactor => _test.Reactor;

    /// <summary>The connection that was established last.</summary>
    internal TlsConnection Last => Volatile.Read(ref _last)!;

    /// <summary>How the first connection's reading ended.</summary>
    internal TaskCompletionSource<IoStatus> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Handshakes that failed. Count.</summary>
    internal int FailureCount;

    public async ValueTask DisposeAsync()
    {
        await _test.DisposeAsync();
        Assert.Empty(_test.Leaks);
    }

    private async ValueTask Serve(TransportConnection plain, TlsServerContext context)
    {
        var result = await TlsHandshake.AcceptAsync(plain, context, TlsHarness.HandshakeMilliseconds);
        if (!result.IsEstablished)
        {
            Interlocked.Increment(ref FailureCount);
            return;
        }

        using var connection = result.Connection;
        Volatile.Write(ref _last, connection);
        var buffer = new byte[4096];
        while (true)
        {
            var read = await connection.ReadSome(buffer);
            if (!read.IsOk)
            {
                Ended.TrySetResult(read.Status);
                return;
            }

            await connection.WriteAll(buffer.AsMemory(0, read.Bytes));
        }
    }
}
