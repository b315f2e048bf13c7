using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Lateen.Proxy.Tests.Harness;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Proxy.Tests.Detection;

/// <summary>A port of unknown protocol, configured as Istio configures it: inspectors, a chain for HTTP, a chain for the rest, no timeout.</summary>
public sealed class DetectionTests
{
    private const string Inspectors = """
        listener_filters:
        - {name: tls, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}}
        - {name: http, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector}}
        continue_on_listener_filters_timeout: true
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_that_speaks_first_is_heard_though_the_client_is_silent()
    {
        await using var banner = TestUpstream.Serving(async peer =>
        {
            await peer.SendAsync("220 ready\r\n");
            Assert.Equal("EHLO me\r\n", await peer.ReadExactlyAsync(9));
            await peer.SendAsync("250 ok\r\n");
        });
        await using var proxy = await BootstrappedProxy.StartAsync(Sniffed(banner.Address, banner.Address));
        using (var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp")))
        {
            Assert.Equal("220 ready\r\n", await client.ReadAtLeastAsync(11));
            await client.SendAsync("EHLO me\r\n");
            Assert.Equal("250 ok\r\n", await client.ReadToEndAsync());
        }

        Assert.Contains("chain=tcp", await proxy.Log.NextAsync());
        Assert.Equal(1, banner.Connections);
    }

    /// <summary>No timer of the proxy can fire while its clock stands still, so whatever arrives has waited for none.</summary>
    [Fact(Timeout = 60_000)]
    public async Task A_server_that_speaks_first_is_heard_while_the_clock_stands_still()
    {
        await using var banner = TestUpstream.Serving(static peer => peer.SendAsync("220 ready\r\n"));
        await using var proxy = await BootstrappedProxy.StartAsync(Sniffed(banner.Address, banner.Address), time: new FakeTimeProvider());
        for (var i = 0; i < 100; i++)
        {
            using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
            Assert.Equal("220 ready\r\n", await client.ReadAtLeastAsync(11));
        }

        Assert.Equal(100, banner.Connections);
    }

    [Fact]
    public async Task Http_goes_to_the_http_chain_and_the_port_remembers_it()
    {
        await using var web = TestUpstream.Answering();
        await using var other = TestUpstream.Serving(static peer => peer.WaitForCloseAsync());
        await using var proxy = await BootstrappedProxy.StartAsync(Sniffed(web.Address, other.Address));
        for (var i = 0; i < 5; i++)
        {
            using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
            // The request comes after the connection was looked at.
            await proxy.SettleAsync();
            await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
        }

        Assert.InRange(other.Connections, 0, 1);
        await proxy.EventuallyAsync("http_inspector.http11_found", 5);
        await proxy.EventuallyAsync("cluster.tcp.upstream_cx_active", 0);
    }

    [Theory]
    [InlineData("*1\r\n$4\r\nPING\r\n")]
    [InlineData("get key\r\n")]
    [InlineData("\0\0\0\u0008")]
    public async Task Other_bytes_of_the_client_go_to_the_tcp_chain_unchanged(string bytes)
    {
        await using var upstream = TestUpstream.Serving(async peer => await peer.SendAsync(await peer.ReadExactlyAsync(bytes.Length)));
        await using var web = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Sniffed(web.Address, upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await client.SendAsync(bytes);

        Assert.Equal(bytes, await client.ReadToEndAsync());
        Assert.Equal(1, upstream.Connections);
        Assert.Equal(0, web.Connections);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("ruok")]
    [InlineData("PING")]
    [InlineData("AUTH secret")]
    [InlineData("get key")]
    public async Task A_word_without_a_line_end_goes_to_the_tcp_chain_after_a_grace(string word)
    {
        var time = new FakeTimeProvider();
        await using var upstream = TestUpstream.Serving(async peer => await peer.SendAsync(await peer.ReadExactlyAsync(word.Length)));
        await using var web = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Sniffed(web.Address, upstream.Address), time: time);
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await client.SendAsync(word);
        await proxy.EventuallyAsync("cluster.tcp.upstream_cx_active", 1);
        await proxy.SettleAsync();
        time.Advance(TimeSpan.FromMilliseconds(150));

        Assert.Equal(word, await client.ReadToEndAsync());
        Assert.Equal(0, web.Connections);
        await proxy.EventuallyAsync("http_inspector.http_not_found", 1);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_request_that_is_written_slowly_does_not_get_around_the_http_chain()
    {
        var time = new FakeTimeProvider();
        await using var web = TestUpstream.Answering();
        await using var other = TestUpstream.Serving(static peer => peer.WaitForCloseAsync());
        await using var proxy = await BootstrappedProxy.StartAsync(Sniffed(web.Address, other.Address), time: time);
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        foreach (var part in new[] { "G", "ET", " /", " HTT" })
        {
            await client.SendAsync(part);
            await proxy.EventuallyAsync("cluster.tcp.upstream_cx_active", 1);
            await proxy.SettleAsync();
            time.Advance(TimeSpan.FromMinutes(5));
        }

        await client.SendAsync("P/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_server_is_heard_though_the_client_s_first_bytes_say_nothing_yet()
    {
        await using var web = TestUpstream.Answering();
        await using var banner = TestUpstream.Serving(static async peer =>
        {
            await peer.SendAsync("220 ready\r\n");
            await peer.SendAsync(await peer.ReadExactlyAsync(3));
        });
        const string Proxied = """
            listener_filters:
            - {name: proxy, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol}}
            - {name: http, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector}}
            listener_filters_timeout: 0s
            """;
        await using var proxy = await BootstrappedProxy.StartAsync(Sniffed(web.Address, banner.Address, Proxied));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        // Behind a header, the first bytes are there when they are first looked for.
        await client.SendAsync("PROXY TCP4 10.0.0.1 10.0.0.2 1000 80\r\nPUT");

        Assert.Equal("220 ready\r\nPUT", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task A_greeting_that_is_longer_than_may_be_looked_at_is_not_taken_for_TLS()
    {
        await using var server = TestUpstream.Serving(static peer => peer.ReadExactlyAsync(5));
        var inspectors = Inspectors.Replace("v3.TlsInspector}", "v3.TlsInspector, max_client_hello_size: 100}", StringComparison.Ordinal);
        await using var proxy = await BootstrappedProxy.StartAsync(Sniffed(server.Address, server.Address, inspectors + "\nlistener_filters_timeout: 0s"));
        using var client = new TcpClient();
        await client.ConnectAsync(proxy.AddressOf("tcp"), Cancel);
        await using var tls = new SslStream(client.GetStream());

        await Assert.ThrowsAnyAsync<IOException>(() => tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "a" }, Cancel));
        client.Close();

        Assert.Contains("chain=tcp", await proxy.Log.NextAsync(), StringComparison.Ordinal);
        await proxy.EventuallyAsync("tls_inspector.client_hello_too_large", 1);
        Assert.Equal(0, proxy.Registry.Find("tls_inspector.tls_found"));
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task A_request_that_comes_byte_by_byte_is_still_http()
    {
        await using var web = TestUpstream.Answering();
        await using var other = TestUpstream.Serving(static peer => peer.WaitForCloseAsync());
        await using var proxy = await BootstrappedProxy.StartAsync(Sniffed(web.Address, other.Address));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        foreach (var one in "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        {
            await client.SendAsync(one.ToString());
            await proxy.SettleAsync();
        }

        Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task A_port_that_was_http_and_now_has_a_server_that_speaks_first_is_learnt_anew()
    {
        var time = new FakeTimeProvider();
        await using var web = TestUpstream.Answering();
        // Silent at first: a word of this server's before the client's would rightly make the first connection TCP.
        var mayGreet = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var banner = TestUpstream.Serving(async peer =>
        {
            await mayGreet.Task;
            await peer.SendAsync("220 ready\r\n");
        });
        await using var proxy = await BootstrappedProxy.StartAsync(Sniffed(web.Address, banner.Address), time: time);
        using (var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp")))
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
        }

        mayGreet.SetResult();
        using var silent = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await proxy.EventuallyAsync("listener.127.0.0.1_0.downstream_pre_cx_active", 1);
        await proxy.SettleAsync();
        time.Advance(TimeSpan.FromMilliseconds(150));
        Assert.Equal("220 ready\r\n", await silent.ReadToEndAsync());

        using var next = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        Assert.Equal("220 ready\r\n", await next.ReadToEndAsync());
    }

    [Fact]
    public async Task A_silent_client_of_an_upstream_that_cannot_be_had_is_told_after_a_grace()
    {
        var time = new FakeTimeProvider();
        await using var web = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Sniffed(web.Address, TestUpstream.NobodyThere()), time: time);
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await proxy.EventuallyAsync("cluster.tcp.upstream_cx_connect_fail", 1);
        await proxy.SettleAsync();
        time.Advance(TimeSpan.FromMilliseconds(150));

        Assert.Equal("", await client.ReadToEndAsync());
        Assert.StartsWith("UF", await proxy.Log.NextAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Listener_filters_have_their_time_and_then_the_configuration_decides(bool goesOn)
    {
        var time = new FakeTimeProvider();
        await using var upstream = TestUpstream.Serving(async peer => await peer.SendAsync(await peer.ReadExactlyAsync(2)));
        var options = Inspectors.Replace("continue_on_listener_filters_timeout: true", $"continue_on_listener_filters_timeout: {(goesOn ? "true" : "false")}") + "\nlistener_filters_timeout: 5s";
        await using var proxy = await BootstrappedProxy.StartAsync(Sniffed(upstream.Address, upstream.Address, options), time: time);
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await client.SendAsync("G");
        await proxy.EventuallyAsync("listener.127.0.0.1_0.downstream_pre_cx_active", 1);
        await proxy.SettleAsync();
        time.Advance(TimeSpan.FromSeconds(6));
        await proxy.EventuallyAsync("listener.127.0.0.1_0.downstream_pre_cx_timeout", 1);
        if (goesOn) await client.SendAsync("O");

        Assert.Equal(goesOn ? "GO" : "", (await client.ReadToEndAsync()).Replace("RST", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_connection_that_nobody_spoke_on_ends_with_the_drain()
    {
        await using var upstream = TestUpstream.Serving(static peer => peer.WaitForCloseAsync());
        var proxy = await BootstrappedProxy.StartAsync(Sniffed(upstream.Address, upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await proxy.EventuallyAsync("listener.127.0.0.1_0.downstream_pre_cx_active", 1);
        var ending = proxy.Engine.StopAsync(TimeSpan.FromMinutes(5));

        Assert.Equal("", await client.ReadToEndAsync());
        await ending.WaitAsync(Cancel);
        await proxy.DisposeAsync();
    }

    /// <summary>As Istio writes it: a TCP chain beside one for raw HTTP would not be found for other raw bytes, so it is the default.</summary>
    private static string Sniffed(IPEndPoint web, IPEndPoint tcp, string options = Inspectors + "\nlistener_filters_timeout: 0s") =>
        TcpYaml.Listeners(TcpYaml.Listener(
            "tcp",
            TcpYaml.Chain(TcpYaml.Http("web"), "transport_protocol: raw_buffer, application_protocols: [http/1.0, http/1.1, h2c]", "http"),
            options + "\ndefault_filter_chain:\n  name: tcp\n  filters:\n" + TcpYaml.Proxy("tcp")))
        + TcpYaml.Clusters(TcpYaml.Cluster("web", "", web), TcpYaml.Cluster("tcp", "", tcp));
}
