using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Tests.Harness;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>Plain CONNECT (RFC 9110 section 9.3.6, RFC 9113 section 8.5): ended here (<c>connect_config</c>) or sent on to another proxy.</summary>
public sealed class ConnectTests
{
    private const string Ask = "CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n";
    private const string Terminate = "{upgrade_type: CONNECT, connect_config: {}}";
    private const string Forward = "{upgrade_type: CONNECT}";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_tunnel_that_ends_here_carries_bytes_and_each_direction_ends_for_itself(int down)
    {
        await using var server = Greeter();
        var log = new RecordingLog();
        await using var proxy = Start(server.Address, Terminate, recipe => recipe.AccessLogs.Add(log));
        using var tunnel = await Tunnel.OpenAsync(proxy.Address, down);

        Assert.Equal("welcome", await tunnel.ReadAsync(7));
        await proxy.EventuallyAsync("http.in.downstream_cx_upgrades_active", 1);
        await tunnel.SendAsync("hello");
        await tunnel.EndAsync();

        Assert.Equal("you said hello", await tunnel.ReadToEndAsync());
        Assert.Equal("200 - via_upstream", await log.NextAsync());
        await proxy.EventuallyAsync("http.in.downstream_cx_upgrades_active", 0);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 0);
        Assert.Empty(server.Heads);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    public async Task A_tunnel_goes_on_to_the_next_proxy_over_any_pairing(int down, int up)
    {
        await using var server = Greeter();
        await using var last = Start(server.Address, Terminate);
        await using var first = Start(last.Address, Forward, cluster: cluster => cluster.Protocol = up == 1 ? UpstreamProtocol.Http1 : UpstreamProtocol.Http2);
        using var tunnel = await Tunnel.OpenAsync(first.Address, down);

        Assert.Equal("welcome", await tunnel.ReadAsync(7));
        await tunnel.SendAsync("hello");
        await tunnel.EndAsync();

        Assert.Equal("you said hello", await tunnel.ReadToEndAsync());
        await last.EventuallyAsync("http.in.downstream_cx_upgrades_active", 0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Content_larger_than_all_windows_comes_back_as_it_went(int down)
    {
        const int Size = 600_000;
        await using var server = TestUpstream.Serving(static async peer =>
        {
            var all = await peer.ReadExactlyAsync(Size);
            await peer.SendAsync(all);
        });
        await using var proxy = Start(server.Address, Terminate);
        using var tunnel = await Tunnel.OpenAsync(proxy.Address, down);
        var content = string.Create(Size, 7, static (text, seed) =>
        {
            var random = new Random(seed);
            for (var i = 0; i < text.Length; i++) text[i] = (char)random.Next(256);
        });

        var sending = tunnel.SendAsync(content);
        Assert.Equal(content, await tunnel.ReadToEndAsync());
        await sending;
    }

    [Fact]
    public async Task What_a_client_sends_ahead_of_the_answer_reaches_the_server()
    {
        await using var server = TestUpstream.Serving(static async peer => await peer.SendAsync("you said " + await peer.ReadExactlyAsync(5)));
        await using var proxy = Start(server.Address, Terminate);
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync(Ask + "hello");

        Assert.Equal(200, (await client.ReadResponseAsync(isHead: true)).Status);
        Assert.Equal("you said hello", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task The_answer_to_CONNECT_names_no_content()
    {
        await using var server = TestUpstream.Serving(static peer => peer.WaitForCloseAsync());
        await using var proxy = Start(server.Address, Terminate);

        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Ask);
        var response = await client.ReadResponseAsync(isHead: true);

        Assert.Equal(200, response.Status);
        Assert.Null(response.Header("content-length"));
        Assert.Null(response.Header("transfer-encoding"));
    }

    [Theory]
    [InlineData(1, "RST")]
    [InlineData(2, "reset with 10")]
    public async Task A_server_that_breaks_off_is_no_end_in_good_order_for_the_client(int down, string ending)
    {
        await using var server = TestUpstream.Serving(static async peer =>
        {
            await peer.SendAsync("half");
            await peer.ReadExactlyAsync(2);
            peer.Abort();
        });
        await using var proxy = Start(server.Address, Terminate);
        using var tunnel = await Tunnel.OpenAsync(proxy.Address, down);
        Assert.Equal("half", await tunnel.ReadAsync(4));

        await tunnel.SendAsync("ok");

        Assert.Contains(ending, await tunnel.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, Terminate)]
    [InlineData(2, Terminate)]
    [InlineData(1, Forward)]
    [InlineData(2, Forward)]
    public async Task A_client_that_breaks_off_is_no_end_in_good_order_for_the_server(int down, string config)
    {
        var ending = new TaskCompletionSource<string>();
        await using var server = TestUpstream.Serving(async peer =>
        {
            if (config == Forward)
            {
                await peer.ReadHeadAsync();
                await peer.SendAsync("HTTP/1.1 200 OK\r\n\r\n");
            }

            await peer.ReadExactlyAsync(4);
            await peer.SendAsync("more");
            try
            {
                await peer.ReadExactlyAsync(1);
            }
            catch (SocketException)
            {
                ending.SetResult("RST");
            }
            catch (IOException)
            {
                ending.SetResult("FIN");
            }
        });
        await using var proxy = Start(server.Address, config);
        using var tunnel = await Tunnel.OpenAsync(proxy.Address, down);
        await tunnel.SendAsync("half");
        Assert.Equal("more", await tunnel.ReadAsync(4));

        await tunnel.AbortAsync();

        Assert.Equal("RST", await ending.Task);
    }

    [Fact]
    public async Task A_proxy_that_refuses_the_tunnel_is_heard_and_the_connection_ends()
    {
        await using var server = TestUpstream.Answering("HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: basic\r\ncontent-length: 4\r\n\r\nwho?");
        await using var proxy = Start(server.Address, Forward);
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync(Ask + "bytes of a tunnel that is not there: GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
        var response = await client.ReadResponseAsync();

        Assert.Equal((407, "who?", false), (response.Status, response.Body, response.KeepsAlive));
        Assert.StartsWith("CONNECT shop:443 HTTP/1.1\r\n", Assert.Single(server.Heads), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_cannot_be_reached_is_503()
    {
        var log = new RecordingLog();
        await using var proxy = Start(TestUpstream.NobodyThere(), Terminate, recipe => recipe.AccessLogs.Add(log));

        Assert.Equal(503, (await RawClient.ExchangeAsync(proxy.Address, Ask)).Status);
        Assert.StartsWith("503 UF ", await log.NextAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{upgrade_type: CONNECT, enabled: false}", 403)]
    [InlineData("{upgrade_type: websocket}", 403)]
    public async Task A_route_that_does_not_allow_CONNECT_refuses_it(string config, int status)
    {
        await using var server = TestUpstream.Answering();
        await using var proxy = Start(server.Address, config);

        Assert.Equal(status, (await RawClient.ExchangeAsync(proxy.Address, Ask)).Status);
        Assert.Equal(0, server.Connections);
    }

    [Theory]
    [InlineData("*", "403 - upgrade_failed")]
    [InlineData("other", "404 NR route_not_found")]
    public async Task Over_HTTP_2_a_tunnel_that_is_refused_is_a_stream_that_ends_and_the_connection_goes_on(string domain, string line)
    {
        await using var server = TestUpstream.Answering();
        var log = new RecordingLog();
        await using var proxy = Start(server.Address, "{upgrade_type: websocket}", recipe =>
        {
            recipe.AccessLogs.Add(log);
            recipe.Routes = recipe.Routes.Replace("\"*\"", $"\"{domain}\"", StringComparison.Ordinal);
        });
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
        byte[] block = [0x42, 7, .. "CONNECT"u8, 0x41, 8, .. "shop:443"u8];

        for (var stream = 1; stream <= 3; stream += 2)
        {
            await client.SendBytesAsync(
                RawHttp2Client.Frame(RawFrame.Headers, RawFrame.EndHeaders, stream, block), RawHttp2Client.Frame(RawFrame.Data, 0, stream, "early"u8));
            await client.ReadContentAsync(stream);
            Assert.Equal(line, await log.NextAsync());
        }
    }

    [Fact]
    public async Task CONNECT_takes_no_route_of_a_path_and_nothing_else_takes_the_route_of_CONNECT()
    {
        await using var server = TestUpstream.Answering();
        await using var pathsOnly = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", server.Address);
            recipe.Upgrades = UpgradeRules.Allowing("CONNECT");
        });
        await using var connectOnly = Start(server.Address, Terminate);

        Assert.Equal(404, (await RawClient.ExchangeAsync(pathsOnly.Address, Ask)).Status);
        Assert.Equal(404, (await RawClient.ExchangeAsync(connectOnly.Address, "GET / HTTP/1.1\r\nHost: shop:443\r\n\r\n")).Status);
        Assert.Equal(0, server.Connections);
    }

    [Fact]
    public async Task An_upgrade_of_the_name_CONNECT_is_not_the_method()
    {
        await using var server = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", server.Address);
            recipe.Routes = recipe.Routes.Replace("{cluster: backend}", $"{{cluster: backend, upgrade_configs: [{Forward}]}}", StringComparison.Ordinal);
        });

        Assert.Equal(403, (await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: CONNECT\r\n\r\n")).Status);
    }

    [Theory]
    [InlineData("", "CONNECT shop:443 HTTP/1.1\r\n")]
    [InlineData(", host_rewrite_literal: other", "CONNECT other:443 HTTP/1.1\r\n")]
    [InlineData(", host_rewrite_literal: 'other:444'", "CONNECT other:444 HTTP/1.1\r\n")]
    public async Task A_CONNECT_that_goes_on_names_a_port_whatever_becomes_of_its_host(string rewrite, string line)
    {
        await using var server = TestUpstream.Answering("HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n");
        await using var proxy = Start(server.Address, Forward, recipe =>
        {
            recipe.StripHostPort = HostPortStripping.Any;
            recipe.Routes = recipe.Routes.Replace("cluster: backend", "cluster: backend" + rewrite, StringComparison.Ordinal)
                .Replace("\"*\"", "shop", StringComparison.Ordinal);
        });

        Assert.Equal(407, (await RawClient.ExchangeAsync(proxy.Address, Ask)).Status);

        Assert.StartsWith(line, Assert.Single(server.Heads), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tunnels_do_not_share_a_connection_that_another_one_has_used()
    {
        await using var server = TestUpstream.Serving(static async peer => await peer.SendAsync($"{peer.Number}:{await peer.ReadExactlyAsync(1)}"));
        await using var proxy = Start(server.Address, Terminate);

        for (var i = 1; i <= 3; i++)
        {
            using var tunnel = await Tunnel.OpenAsync(proxy.Address, 1);
            await tunnel.SendAsync("x");
            Assert.Equal($"{i}:x", await tunnel.ReadToEndAsync());
        }
    }

    private static TestUpstream Greeter() => TestUpstream.Serving(static async peer =>
    {
        await peer.SendAsync("welcome");
        var said = await peer.ReadExactlyAsync(5);
        await peer.WaitForCloseAsync();
        await peer.SendAsync($"you said {said}");
    });

    private static EngineUnderTest Start(IPEndPoint server, string config, Action<EngineRecipe>? change = null, Action<ClusterRecipe>? cluster = null) =>
        EngineUnderTest.Start(recipe =>
        {
            var backend = recipe.Cluster("backend", server);
            cluster?.Invoke(backend);
            recipe.Routes = $$$"""
                name: test
                virtual_hosts:
                - name: all
                  domains: ["*"]
                  routes:
                  - match: {connect_matcher: {}}
                    route: {cluster: backend, upgrade_configs: [{{{config}}}]}
                """;
            change?.Invoke(recipe);
        });

    /// <summary>A client's end of a tunnel, in either version of HTTP.</summary>
    private abstract class Tunnel : IDisposable
    {
        public static async Task<Tunnel> OpenAsync(IPEndPoint proxy, int version)
        {
            if (version == 1)
            {
                var raw = await RawClient.ConnectAsync(proxy);
                await raw.SendAsync(Ask);
                Assert.Equal(200, (await raw.ReadResponseAsync(isHead: true)).Status);
                return new OfHttp1(raw);
            }

            var client = await RawHttp2Client.ConnectAsync(proxy);
            byte[] block = [0x42, 7, .. "CONNECT"u8, 0x41, 8, .. "shop:443"u8];
            await client.SendAsync(RawFrame.Headers, RawFrame.EndHeaders, 1, block);
            var tunnel = new OfHttp2(client);
            RawFrame head;
            do head = await tunnel.TakeAsync();
            while (head.Type != RawFrame.Headers);
            Assert.Equal(0x88, head.Payload[0]); // :status 200
            Assert.False(head.EndsStream);
            return tunnel;
        }

        public abstract Task SendAsync(string bytes);

        public abstract Task EndAsync();

        public abstract Task AbortAsync();

        public abstract Task<string> ReadAsync(int count);

        /// <summary>How it was broken off is a part of the text.</summary>
        public abstract Task<string> ReadToEndAsync();

        public abstract void Dispose();

        private sealed class OfHttp1(RawClient client) : Tunnel
        {
            public override Task SendAsync(string bytes) => client.SendAsync(bytes);

            public override Task EndAsync()
            {
                client.ShutdownSend();
                return Task.CompletedTask;
            }

            public override Task AbortAsync()
            {
                client.Abort();
                return Task.CompletedTask;
            }

            public override Task<string> ReadAsync(int count) => client.ReadAtLeastAsync(count);

            public override Task<string> ReadToEndAsync() => client.ReadToEndAsync();

            public override void Dispose() => client.Dispose();
        }

        /// <summary>Keeps to the proxy's windows, and opens its own by what it has read.</summary>
        private sealed class OfHttp2(RawHttp2Client client) : Tunnel
        {
            private const int InitialWindowSize = 4;

            private readonly SemaphoreSlim _room = new(0);
            private int _streamWindow = 65_535;
            private int _connectionWindow = 65_535;

            public override async Task SendAsync(string bytes)
            {
                var data = Encoding.Latin1.GetBytes(bytes);
                for (var sent = 0; sent < data.Length;)
                {
                    var size = Math.Min(Math.Min(Math.Min(_streamWindow, _connectionWindow), 16_384), data.Length - sent);
                    if (size <= 0)
                    {
                        await _room.WaitAsync(TestContext.Current.CancellationToken);
                        continue;
                    }

                    Interlocked.Add(ref _streamWindow, -size);
                    Interlocked.Add(ref _connectionWindow, -size);
                    await client.SendAsync(RawFrame.Data, 0, 1, data[sent..(sent + size)]);
                    sent += size;
                }
            }

            public override Task EndAsync() => client.SendAsync(RawFrame.Data, RawFrame.EndStream, 1, []);

            public override Task AbortAsync() => client.ResetAsync(1);

            public override async Task<string> ReadAsync(int count)
            {
                var text = new StringBuilder();
                while (text.Length < count)
                {
                    if (await TakeAsync() is { Type: RawFrame.Data } frame) text.Append(Encoding.Latin1.GetString(frame.Payload));
                }

                return text.ToString();
            }

            public override async Task<string> ReadToEndAsync()
            {
                var text = new StringBuilder();
                while (true)
                {
                    var frame = await TakeAsync();
                    if (frame.Type == RawFrame.Reset) return $"{text} reset with {frame.Error}";
                    if (frame is { Stream: 1, Type: RawFrame.Data })
                    {
                        text.Append(Encoding.Latin1.GetString(frame.Payload));
                        byte[] increment = [(byte)(frame.Payload.Length >> 24), (byte)(frame.Payload.Length >> 16), (byte)(frame.Payload.Length >> 8), (byte)frame.Payload.Length];
                        if (frame.Payload.Length > 0) await client.SendBytesAsync(RawHttp2Client.Frame(RawFrame.WindowUpdate, 0, 0, increment), RawHttp2Client.Frame(RawFrame.WindowUpdate, 0, 1, increment));
                        if (frame.EndsStream) return text.ToString();
                    }
                }
            }

            public override void Dispose()
            {
                client.Dispose();
                _room.Dispose();
            }

            /// <summary>The next frame, when the windows are what it says.</summary>
            public async Task<RawFrame> TakeAsync()
            {
                var frame = await client.ReadAsync(static _ => true);
                if (frame is { Type: RawFrame.Settings, Flags: 0 })
                {
                    await client.SendAsync(RawFrame.Settings, RawFrame.Ack, 0, []);
                    for (var at = 0; at < frame.Payload.Length; at += 6)
                    {
                        if (frame.Payload[at + 1] == InitialWindowSize) Interlocked.Add(ref _streamWindow, ReadInt32BigEndian(frame.Payload.AsSpan(at + 2)) - 65_535);
                    }
                }
                else if (frame.Type == RawFrame.WindowUpdate)
                {
                    if (frame.Stream == 0) Interlocked.Add(ref _connectionWindow, ReadInt32BigEndian(frame.Payload));
                    else Interlocked.Add(ref _streamWindow, ReadInt32BigEndian(frame.Payload));
                    _room.Release();
                }

                return frame;
            }
        }
    }
}
