using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lateen.Proxy.Tests.Harness;
using Lateen.Proxy.Tests.Tls;

namespace Lateen.Proxy.Tests.Tcp;

/// <summary>TCP proxying where one side or both are encrypted by the proxy.</summary>
public sealed class TlsTcpTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task Bytes_pass_between_two_TLS_connections_unchanged_and_each_end_is_passed_on()
    {
        var sent = RandomNumberGenerator.GetBytes(3_000_000);
        await using var upstream = Server(async tls =>
        {
            var got = new MemoryStream();
            await tls.CopyToAsync(got, Cancel);
            await tls.WriteAsync(got.ToArray(), Cancel);
            await tls.ShutdownAsync();
        });
        var yaml = TcpYaml.Listeners(TcpYaml.Listener("tcp", TcpYaml.Chain(TcpYaml.Proxy("backend"), options: $"transport_socket: {Downstream()}")))
            + TcpYaml.Clusters(TcpYaml.Cluster("backend", $"transport_socket: {Upstream()}", upstream.Address));
        await using var proxy = await BootstrappedProxy.StartAsync(yaml);
        await using var client = await ConnectAsync(proxy.AddressOf("tcp"));
        await client.WriteAsync(sent, Cancel);
        await client.ShutdownAsync();
        var back = new MemoryStream();
        await client.CopyToAsync(back, Cancel);
        await client.DisposeAsync();

        Assert.True(sent.AsSpan().SequenceEqual(back.ToArray()));
        Assert.StartsWith("- 3000000/3000000 sni=in.test", await proxy.Log.NextAsync());
    }

    [Fact]
    public async Task A_client_that_ends_TLS_without_a_word_is_heard_to_its_end_and_gets_the_answer()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            var got = new MemoryStream();
            await peer.Stream().CopyToAsync(got, Cancel);
            await peer.SendAsync($"{got.Length} octets");
        });
        var yaml = TcpYaml.Listeners(TcpYaml.Listener("tcp", TcpYaml.Chain(TcpYaml.Proxy("backend"), options: $"transport_socket: {Downstream()}")))
            + TcpYaml.Clusters(TcpYaml.Cluster("backend", "", upstream.Address));
        await using var proxy = await BootstrappedProxy.StartAsync(yaml);
        var (socket, client) = await OpenAsync(proxy.AddressOf("tcp"));
        await using (client)
        {
            await client.WriteAsync(new byte[300_000], Cancel);
            socket.Shutdown(SocketShutdown.Send);

            Assert.Equal("300000 octets", await new StreamReader(client).ReadToEndAsync(Cancel));
        }

        Assert.StartsWith("- 300000/13 ", await proxy.Log.NextAsync());
    }

    [Fact]
    public async Task A_server_that_ends_TLS_without_a_word_is_passed_on_to_its_end()
    {
        await using var upstream = Server(static async (tls, peer) =>
        {
            await tls.WriteAsync("all of it"u8.ToArray(), Cancel);
            peer.ShutdownSend();
            await peer.WaitForCloseAsync();
        });
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(upstream.Address, clusterOptions: $"transport_socket: {Upstream()}"));
        using (var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp")))
            Assert.Equal("all of it", await client.ReadToEndAsync());

        Assert.StartsWith("- 0/9 ", await proxy.Log.NextAsync());
    }

    [Fact]
    public async Task A_server_behind_TLS_that_speaks_first_is_heard_on_a_port_of_unknown_protocol()
    {
        await using var upstream = Server(async tls =>
        {
            await tls.WriteAsync("220 ready\r\n"u8.ToArray(), Cancel);
            var buffer = new byte[4];
            await tls.ReadExactlyAsync(buffer, Cancel);
            await tls.WriteAsync(buffer, Cancel);
            await tls.ShutdownAsync();
        });
        const string inspector = """
            listener_filters:
            - {name: http, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector}}
            """;
        var yaml = TcpYaml.Simple(upstream.Address, listenerOptions: inspector, clusterOptions: $"transport_socket: {Upstream()}");
        await using var proxy = await BootstrappedProxy.StartAsync(yaml);
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));

        Assert.Equal("220 ready\r\n", await client.ReadAtLeastAsync(11));
        await client.SendAsync("QUIT");
        Assert.Equal("QUIT", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task A_server_that_is_not_trusted_is_not_spoken_to_and_the_log_says_why()
    {
        using var foreign = new TestAuthority("Foreign Root");
        await using var upstream = Server(static tls => Task.CompletedTask, foreign);
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(upstream.Address, clusterOptions: $"transport_socket: {Upstream()}"));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));

        Assert.Equal("", await client.ReadToEndAsync());
        var line = await proxy.Log.NextAsync();
        Assert.StartsWith("UF 0/0", line);
        Assert.Contains("TLS_error:", line);
    }

    private async Task<SslStream> ConnectAsync(IPEndPoint address) => (await OpenAsync(address)).Tls;

    private async Task<(Socket Socket, SslStream Tls)> OpenAsync(IPEndPoint address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address, Cancel);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(_authority.Root);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "in.test", CertificateChainPolicy = policy }, Cancel);
        return (socket, tls);
    }

    private TestUpstream Server(Func<SslStream, Task> serve, TestAuthority? authority = null) => Server((tls, _) => serve(tls), authority);

    private TestUpstream Server(Func<SslStream, UpstreamPeer, Task> serve, TestAuthority? authority = null)
    {
        var certificate = (authority ?? _authority).Issue(["out.test"]).ToX509();
        return TestUpstream.Serving(async peer =>
        {
            await using var tls = new SslStream(peer.Stream());
            try
            {
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, Cancel);
            }
            catch (AuthenticationException)
            {
                // The client, which is the proxy, did not like the certificate.
                return;
            }

            await serve(tls, peer);
        });
    }

    private string Downstream() => TlsYaml.DownstreamContext($"common_tls_context: {{tls_certificates: [{TlsYaml.Inline(_authority.Issue(["in.test"]))}]}}");

    private string Upstream() => TlsYaml.UpstreamContext(
        $"sni: out.test, common_tls_context: {{validation_context: {{trusted_ca: {{inline_string: {TlsYaml.Quoted(_authority.Pem)}}}}}}}");
}
