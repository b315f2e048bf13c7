using System.Net.Sockets;
using Lateen.Net.Tls;

namespace Lateen.Net.Tests.Tls;

/// <summary>Bytes that nobody in good faith sends: never a crash, a hang or a leak, and the server serves on.</summary>
public sealed class TlsHostileTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task Random_and_mutated_greetings_cost_their_connection_only()
    {
        await using var server = new EchoServer(new() { Certificates = [_authority.Issue(["a.example"]).Options], Alpn = [AlpnProtocol.Http2] });
        var real = await ClientHelloParserTests.RealGreeting(new() { ServerName = "a.example", Alpn = [AlpnProtocol.Http2] });
        var random = Seeded();
        for (var i = 0; i < 300; i++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(server.EndPoint, Cancellation);
            byte[] bytes;
            if (i % 3 == 0)
            {
                bytes = new byte[random.Next(1, 600)];
                random.NextBytes(bytes);
            }
            else
            {
                bytes = real.ToArray();
                for (var j = random.Next(1, 6); j > 0; j--)
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                if (i % 3 == 1)
                    bytes = bytes[..random.Next(1, bytes.Length)];
            }

            try
            {
                await socket.SendAsync(bytes, Cancellation);
                socket.Shutdown(SocketShutdown.Send);
                // The server answers, refuses or just closes; it does not leave us waiting.
                var buffer = new byte[4096];
                while (await socket.ReceiveAsync(buffer, Cancellation).AsTask().WaitAsync(TestReactor.Patience, Cancellation) > 0)
                    continue;
            }
            catch (SocketException)
            {
                // RST is an answer too.
            }
        }

        Assert.Equal(0, await server.Reactor.InvokeAsync(() => server.Reactor.Counters.UnhandledCount));
        await AssertServes(server);
    }

    [Fact]
    public async Task Record_that_never_ends_holds_no_more_than_a_record()
    {
        await using var server = new EchoServer(new() { Certificates = [_authority.Issue(["a.example"]).Options] });
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.EndPoint, Cancellation);
        // A length beyond what RFC 8446 5.1 allows is refused by the header alone.
        await socket.SendAsync(new byte[] { 22, 3, 1, 0xFF, 0xFF, 1 }, Cancellation);
        var buffer = new byte[64];
        var count = await socket.ReceiveAsync(buffer, Cancellation).AsTask().WaitAsync(TestReactor.Patience, Cancellation);
        Assert.True(count == 7 && buffer[0] == 21, "the server answers with an alert");
    }

#pragma warning disable RS0030 // Seeded, so that what fails once fails again.
    private static Random Seeded() => new(20260102);
#pragma warning restore RS0030

    private async Task AssertServes(EchoServer server)
    {
        using var context = TlsHarness.Client(new() { Verification = _authority.Trust });
        await using var test = new TestReactor();
        await test.Run(async () =>
        {
            var plain = await TransportConnector.ConnectAsync(test.Reactor, server.EndPoint, ConnectOptions.Default);
            var result = await TlsHandshake.ConnectAsync(plain.Connection!, context, TlsClientParameters.None, TlsHarness.HandshakeMilliseconds);
            Assert.True(result.IsEstablished, result.Failure?.Text);
            using var connection = result.Connection;
            await connection.WriteAll(new byte[3]);
            Assert.Equal(3, (await connection.ReadSome(new byte[9])).Bytes);
        });
    }
}
