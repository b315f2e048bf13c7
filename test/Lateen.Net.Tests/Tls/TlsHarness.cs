using Lateen.Net.Tls;

namespace Lateen.Net.Tests.Tls;

/// <summary>Both sides of TLS connections on one reactor.</summary>
internal sealed class TlsHarness : IAsyncDisposable
{
    internal const long HandshakeMilliseconds = 20_000;

    private readonly TaskCompletionSource _release = new();
    private readonly List<IDisposable> _owned = [];

    internal TestReactor Test { get; }

    internal TlsHarness(TimeProvider? time = null) => Test = new TestReactor(time);

    internal Reactor Reactor => Test.Reactor;

    internal static TlsServerContext Server(TlsServerOptions options)
    {
        var result = TlsServerContext.Create(options);
        Assert.True(result.IsCreated, result.Error);
        return result.Context;
    }

    internal static TlsClientContext Client(TlsClientOptions options)
    {
        var result = TlsClientContext.Create(options);
        Assert.True(result.IsCreated, result.Error);
        return result.Context;
    }

    /// <summary>A connected pair of plain transports.</summary>
    internal async Task<(TransportConnection Client, TransportConnection Server)> Connect()
    {
        var accepted = new TaskCompletionSource<TransportConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        var listener = Test.Listen(async connection =>
        {
            accepted.SetResult(connection);
            await _release.Task;
        });
        var client = await Test.Run(async () =>
        {
            var result = await TransportConnector.ConnectAsync(Reactor, listener.LocalEndPoint, ConnectOptions.Default);
            return result.Connection!;
        });
        var server = await accepted.Task.WaitAsync(TestReactor.Patience, TestContext.Current.CancellationToken);
        listener.Close();
        return (client, server);
    }

    /// <summary>Shakes hands over a socket, or over <paramref name="wrap"/> of it on both sides.</summary>
    internal async Task<(TlsResult Client, TlsResult Server)> Handshake(
        TlsServerContext server, TlsClientContext client, TlsClientParameters? parameters = null,
        Func<TransportConnection, TransportConnection>? wrap = null, long timeoutMilliseconds = HandshakeMilliseconds)
    {
        var (near, far) = await Connect();
        var accepting = Test.Run(() => TlsHandshake.AcceptAsync(wrap?.Invoke(far) ?? far, server, timeoutMilliseconds));
        var connecting = Test.Run(
            () => TlsHandshake.ConnectAsync(wrap?.Invoke(near) ?? near, client, parameters ?? TlsClientParameters.None, timeoutMilliseconds));
        var result = (await connecting, await accepting);
        if (result.Item1.Connection is { } one)
            _owned.Add(one);
        if (result.Item2.Connection is { } two)
            _owned.Add(two);
        return result;
    }

    /// <summary>As <see cref="Handshake"/>, which has to succeed.</summary>
    internal async Task<(TlsConnection Client, TlsConnection Server)> Establish(
        TlsServerContext server, TlsClientContext client, TlsClientParameters? parameters = null,
        Func<TransportConnection, TransportConnection>? wrap = null)
    {
        var (near, far) = await Handshake(server, client, parameters, wrap);
        Assert.True(near.IsEstablished, $"client: {near.Failure}");
        Assert.True(far.IsEstablished, $"server: {far.Failure}");
        return (near.Connection, far.Connection);
    }

    /// <summary>Sends one byte there and reads it, so that what the sender had to say before (tickets) has arrived too.</summary>
    internal Task Exchange(TransportConnection from, TransportConnection to) => Test.Run(async () =>
    {
        var buffer = new byte[16];
        await from.WriteAll(new byte[] { 1 });
        var result = await to.ReadSome(buffer);
        Assert.Equal(1, result.Bytes);
    });

    internal async Task<IoResult> ReadOne(TransportConnection connection) => await Test.Run(() => connection.ReadSome(new byte[1024]));

    public async ValueTask DisposeAsync()
    {
        await Test.Run(() =>
        {
            foreach (var owned in _owned)
                owned.Dispose();
            _release.TrySetResult();
        });
        await Test.DisposeAsync();
        Assert.Empty(Test.Leaks);
    }
}
