using System.Net.Sockets;
using System.Text;
using Lateen.Net.Tls;

namespace Lateen.Net.Tests.Tls;

/// <summary>The parser over greetings of OpenSSL and made ones, cut everywhere, fragmented, mutated.</summary>
public sealed class ClientHelloParserTests
{
    private readonly ClientHello _hello = new();

    [Fact]
    public async Task Greeting_of_a_real_client_is_read_and_every_prefix_needs_more()
    {
        var bytes = await RealGreeting(new() { ServerName = "Reviews.Default", Alpn = [AlpnProtocol.Http2, AlpnProtocol.Http11] });
        for (var i = 0; i < bytes.Length; i++)
            Assert.Equal(ClientHelloStatus.NeedMore, ClientHelloParser.Parse(bytes.AsSpan(0, i), _hello));
        foreach (var extra in (int[])[0, 1, 1000])
        {
            Assert.Equal(ClientHelloStatus.Complete, ClientHelloParser.Parse([.. bytes, .. new byte[extra]], _hello));
            Assert.Equal("reviews.default", Encoding.ASCII.GetString(_hello.ServerName));
            Assert.Equal(["h2", "http/1.1"], Protocols());
            Assert.True(_hello.Alpn.Contains("h2"u8));
            Assert.False(_hello.Alpn.Contains("h3"u8));
            Assert.Equal((int)TlsVersion.Tls13, _hello.HighestVersion);
            Assert.Equal(bytes.Length, _hello.WireBytes);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(100)]
    public async Task Greeting_cut_into_records_is_joined(int fragment)
    {
        var bytes = await RealGreeting(new() { ServerName = "a.example" });
        var cut = new List<byte>();
        for (var rest = bytes.AsSpan(5); !rest.IsEmpty; rest = rest[Math.Min(fragment, rest.Length)..])
        {
            var part = rest[..Math.Min(fragment, rest.Length)];
            cut.AddRange([22, 3, 1, (byte)(part.Length >> 8), (byte)part.Length]);
            cut.AddRange(part);
        }

        var whole = cut.ToArray();
        for (var i = 0; i < whole.Length; i++)
            Assert.Equal(ClientHelloStatus.NeedMore, ClientHelloParser.Parse(whole.AsSpan(0, i), _hello));
        Assert.Equal(ClientHelloStatus.Complete, ClientHelloParser.Parse(whole, _hello));
        Assert.Equal("a.example", Encoding.ASCII.GetString(_hello.ServerName));
        Assert.Equal(whole.Length, _hello.WireBytes);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n")]
    [InlineData("SSH-2.0-x")]
    [InlineData("\u0016\u0002")]
    [InlineData("\u0016\u0003\u0005")]
    [InlineData("\u0016\u0003\u0001\0\0")]
    [InlineData("\u0016\u0003\u0001\u0000\u0005\u0002")]
    public void Other_protocols_are_known_by_their_first_bytes(string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        Assert.Equal(ClientHelloStatus.NotTls, ClientHelloParser.Parse(bytes, _hello));
        Assert.True(_hello.ServerName.IsEmpty);
        Assert.True(_hello.Alpn.IsEmpty);
    }

    [Fact]
    public void Nothing_needs_more() => Assert.Equal(ClientHelloStatus.NeedMore, ClientHelloParser.Parse(default, _hello));

    [Theory]
    [InlineData("name twice", false)]
    [InlineData("name with space", false)]
    [InlineData("name with nul", false)]
    [InlineData("name too long", false)]
    [InlineData("empty name", false)]
    [InlineData("extension twice", false)]
    [InlineData("extension too long", false)]
    [InlineData("empty protocol", false)]
    [InlineData("bytes behind", false)]
    [InlineData("no extensions", true)]
    [InlineData("grease", true)]
    public void Malformed_greetings_are_told_from_good_ones(string kind, bool isGood)
    {
        static byte[] Name(string text) => [0, (byte)(text.Length >> 8), (byte)text.Length, .. Encoding.ASCII.GetBytes(text)];
        static byte[] Vector(byte[] content) => [(byte)(content.Length >> 8), (byte)content.Length, .. content];
        static byte[] Extension(byte type, byte[] content) => [0, type, .. Vector(content)];
        byte[] extensions = kind switch
        {
            "name twice" => Extension(0, Vector([.. Name("a"), .. Name("b")])),
            "name with space" => Extension(0, Vector(Name("a b"))),
            "name with nul" => Extension(0, Vector(Name("a\0b"))),
            "name too long" => Extension(0, Vector(Name(new string('a', 256)))),
            "empty name" => Extension(0, Vector(Name(""))),
            "extension twice" => [.. Extension(0, Vector(Name("a"))), .. Extension(0, Vector(Name("a")))],
            "extension too long" => [0, 0, 0, 9, 1],
            "empty protocol" => Extension(16, Vector([0])),
            "grease" => [.. Extension(43, [6, 0x7A, 0x7A, 3, 3, 3, 2]), .. Extension(0x0A, [0x7A, 0x7A])],
            _ => [],
        };
        byte[] body = [3, 3, .. new byte[32], 0, 0, 2, 0x13, 1, 1, 0];
        if (kind != "no extensions")
            body = [.. body, .. Vector(extensions)];
        if (kind == "bytes behind")
            body = [.. body, 0];
        byte[] bytes = [22, 3, 1, (byte)((body.Length + 4) >> 8), (byte)(body.Length + 4), 1, 0, (byte)(body.Length >> 8), (byte)body.Length, .. body];
        Assert.Equal(isGood ? ClientHelloStatus.Complete : ClientHelloStatus.Malformed, ClientHelloParser.Parse(bytes, _hello));
        Assert.True(_hello.ServerName.IsEmpty);
        Assert.Equal(isGood ? 0x0303 : 0, _hello.HighestVersion);
    }

    [Fact]
    public void Greeting_beyond_the_bound_is_malformed_and_never_asks_for_more()
    {
        byte[] header = [22, 3, 1, 0x40, 0, 1, 0, 0x80, 0];
        Assert.Equal(ClientHelloStatus.Malformed, ClientHelloParser.Parse(header, _hello));
        // Many tiny records cost more in headers than in content.
        byte[] tiny = [22, 3, 1, 0, 1];
        var bytes = new List<byte>();
        byte[] message = [1, 0, 0x60, 0];
        for (var i = 0; i < 20_000; i++)
        {
            bytes.AddRange(tiny);
            bytes.Add(i < 4 ? message[i] : (byte)0);
        }

        Assert.Equal(ClientHelloStatus.Malformed, ClientHelloParser.Parse(bytes.ToArray(), _hello));
    }

    [Fact]
    public async Task Mutated_and_random_bytes_neither_crash_nor_invent()
    {
        var real = await RealGreeting(new() { ServerName = "a.example", Alpn = [AlpnProtocol.Http2] });
        var random = Seeded();
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = real.ToArray();
            for (var j = random.Next(1, 4); j > 0; j--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var length = random.Next(bytes.Length + 1);
            var status = ClientHelloParser.Parse(bytes.AsSpan(0, length), _hello);
            if (status == ClientHelloStatus.Complete)
            {
                Assert.True(_hello.WireBytes <= length);
                Assert.DoesNotContain(' ', Encoding.ASCII.GetString(_hello.ServerName));
                _ = Protocols();
            }
            else
            {
                Assert.True(_hello.ServerName.IsEmpty && _hello.Alpn.IsEmpty);
            }
        }

        var noise = new byte[300];
        for (var i = 0; i < 20_000; i++)
        {
            random.NextBytes(noise);
            if (i % 2 == 0)
                new byte[] { 22, 3, 1, 1, 0, 1, 0, 0 }.CopyTo(noise, 0);
            ClientHelloParser.Parse(noise, _hello);
        }
    }

    /// <summary>What our client, so OpenSSL, says first.</summary>
    internal static async Task<byte[]> RealGreeting(TlsClientParameters parameters)
    {
        await using var test = new TestReactor();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        listener.Listen();
        using var context = TlsHarness.Client(new());
        var connecting = test.Run(async () =>
        {
            var plain = await TransportConnector.ConnectAsync(test.Reactor, listener.LocalEndPoint!, ConnectOptions.Default);
            return await TlsHandshake.ConnectAsync(plain.Connection!, context, parameters, TlsHarness.HandshakeMilliseconds);
        });
        using var accepted = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        var buffer = new byte[4096];
        var count = 0;
        while (count < 5 || count < 5 + (buffer[3] << 8 | buffer[4]))
            count += await accepted.ReceiveAsync(buffer.AsMemory(count), TestContext.Current.CancellationToken);
        accepted.Dispose();
        Assert.Equal(TlsFailureCause.PeerClosed, (await connecting).Failure?.Cause);
        return buffer[..count];
    }

#pragma warning disable RS0030 // Seeded, so that what fails once fails again.
    private static Random Seeded() => new(20260101);
#pragma warning restore RS0030

    private string[] Protocols()
    {
        var names = new List<string>();
        foreach (var protocol in _hello.Alpn)
            names.Add(Encoding.ASCII.GetString(protocol));
        return [.. names];
    }
}
