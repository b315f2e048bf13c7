using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests;

/// <summary>From YAML to bytes: what Gateways, DestinationRules and Secrets say of TLS is what a client and an upstream of .NET's own TLS see.</summary>
public sealed class ConfiguredTlsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_port_opens_tls_for_one_name_and_passes_it_unopened_for_another()
    {
        using var own = Certificate("shop.example.com");
        using var foreign = Certificate("pass.example.com");
        await using var plain = new Upstream("plain", null);
        await using var secure = new Upstream("secure", foreign);
        int port = FreePorts.Take(1)[0];
        await using var mesh = await MeshUnderTest.StartAsync(
            $$"""
            apiVersion: networking.istio.io/v1
            kind: Gateway
            metadata: {name: edge}
            spec:
              selector: {istio: ingressgateway}
              servers:
              - {port: {number: {{port}}, name: https, protocol: HTTPS}, bind: 127.0.0.1, hosts: [shop.example.com], tls: {mode: SIMPLE, credentialName: shop} }
              - {port: {number: {{port}}, name: tls, protocol: TLS}, bind: 127.0.0.1, hosts: [pass.example.com], tls: {mode: PASSTHROUGH} }
            ---
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: shop}
            spec: {hosts: [shop.example.com], gateways: [edge], http: [{route: [{destination: {host: plain} }]}]}
            ---
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: pass}
            spec: {hosts: [pass.example.com], gateways: [edge], tls: [{match: [{sniHosts: [pass.example.com]}], route: [{destination: {host: secure} }]}]}
            ---
            {{Entry("plain", "plain.default.svc.cluster.local", "HTTP", plain.Port)}}
            ---
            {{Entry("secure", "secure.default.svc.cluster.local", "TLS", secure.Port)}}
            ---
            {{Secret("shop", own)}}
            """, Cancel);
        await mesh.StartGatewayAsync("edge", Cancel);

        Assert.Equal((own.Thumbprint, "plain"), await AskAsync(port, "shop.example.com"));
        Assert.Equal((foreign.Thumbprint, "secure"), await AskAsync(port, "pass.example.com"));
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(port, "nobody.example.com"));

        Assert.Equal("pass.example.com", Assert.Single(secure.ServerNames));
    }

    [Fact]
    public async Task A_server_that_wants_what_nobody_speaks_any_more_costs_its_neighbours_nothing()
    {
        using var own = Certificate("shop.example.com");
        await using var plain = new Upstream("plain", null);
        int port = FreePorts.Take(1)[0];
        await using var mesh = await MeshUnderTest.StartAsync(
            $$"""
            apiVersion: networking.istio.io/v1
            kind: Gateway
            metadata: {name: edge}
            spec:
              selector: {istio: ingressgateway}
              servers:
              - {port: {number: {{port}}, name: https, protocol: HTTPS}, bind: 127.0.0.1, hosts: [shop.example.com], tls: {mode: SIMPLE, credentialName: shop} }
              - port: {number: {{port}}, name: old, protocol: HTTPS}
                bind: 127.0.0.1
                hosts: [old.example.com]
                tls: {mode: SIMPLE, credentialName: shop, minProtocolVersion: TLSV1_0, maxProtocolVersion: TLSV1_1, cipherSuites: [DES-CBC3-SHA, ECDHE-ECDSA-AES128-GCM-SHA256]}
            ---
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: shop}
            spec: {hosts: [shop.example.com, old.example.com], gateways: [edge], http: [{route: [{destination: {host: plain} }]}]}
            ---
            {{Entry("plain", "plain.default.svc.cluster.local", "HTTP", plain.Port)}}
            ---
            {{Secret("shop", own)}}
            """, Cancel);
        await mesh.StartGatewayAsync("edge", Cancel);

        Assert.Equal((own.Thumbprint, "plain"), await AskAsync(port, "shop.example.com"));
        Assert.Equal((own.Thumbprint, "plain"), await AskAsync(port, "old.example.com"));
    }

    [Fact]
    public async Task Requests_leave_as_tls_under_the_name_that_they_ask_for_and_only_to_whom_the_roots_vouch_for()
    {
        using var known = Certificate("api.example.com");
        using var stranger = Certificate("bank.example.com");
        await using var api = new Upstream("api", known);
        await using var bank = new Upstream("bank", stranger);
        int port = FreePorts.Take(1)[0];
        string roots = Path.GetTempFileName();
        await File.WriteAllTextAsync(roots, known.ExportCertificatePem(), Cancel);
        await using var mesh = await MeshUnderTest.StartAsync(
            $$"""
            apiVersion: networking.istio.io/v1
            kind: Gateway
            metadata: {name: edge}
            spec:
              selector: {istio: ingressgateway}
              servers:
              - {port: {number: {{port}}, name: http, protocol: HTTP}, bind: 127.0.0.1, hosts: ["*"]}
            ---
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: api}
            spec: {hosts: [api.example.com], gateways: [edge], http: [{route: [{destination: {host: api.example.com} }]}]}
            ---
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: bank}
            spec: {hosts: [bank.example.com], gateways: [edge], http: [{route: [{destination: {host: bank.example.com} }]}]}
            ---
            {{Entry("api", "api.example.com", "HTTP", api.Port)}}
            ---
            {{Entry("bank", "bank.example.com", "HTTP", bank.Port)}}
            ---
            apiVersion: networking.istio.io/v1
            kind: DestinationRule
            metadata: {name: outside}
            spec: {host: "*.example.com", trafficPolicy: {tls: {mode: SIMPLE, caCertificates: {{roots}}} } }
            """, Cancel);
        await mesh.StartGatewayAsync("edge", Cancel);

        using var client = new HttpClient();
        Assert.Equal((HttpStatusCode.OK, "api"), await GetAsync(client, port, "api.example.com"));
        var (status, reason) = await GetAsync(client, port, "bank.example.com");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("TLS", reason, StringComparison.Ordinal);
        Assert.Equal("api.example.com", Assert.Single(api.ServerNames.Distinct()));
        File.Delete(roots);
    }

    private static async Task<(HttpStatusCode Status, string Body)> GetAsync(HttpClient client, int port, string host)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{port}/") { Headers = { Host = host } };
        using var response = await client.SendAsync(request, Cancel);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Cancel));
    }

    /// <summary>One HTTP/1.1 request over TLS: whose certificate answered, and what it said.</summary>
    private static async Task<(string Thumbprint, string Body)> AskAsync(int port, string host)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, port, Cancel);
        await using var tls = new SslStream(socket.GetStream());
        // Which certificate came is what the test looks at, so any is taken here.
#pragma warning disable CA5359
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = host, RemoteCertificateValidationCallback = (_, _, _, _) => true }, Cancel);
#pragma warning restore CA5359
        await tls.WriteAsync(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"), Cancel);
        using var reader = new StreamReader(tls);
        string answer = await reader.ReadToEndAsync(Cancel);
        using var certificate = new X509Certificate2(tls.RemoteCertificate!);
        return (certificate.Thumbprint, answer.Split("\r\n\r\n")[^1]);
    }

    private static string Entry(string name, string host, string protocol, int port) =>
        $$"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: {{name}}}
        spec:
          hosts: [{{host}}]
          location: MESH_INTERNAL
          resolution: STATIC
          ports: [{number: 80, name: {{protocol.ToLowerInvariant()}}, protocol: {{protocol}}, targetPort: {{port}} }]
          endpoints: [{address: 127.0.0.1}]
        """;

    private static string Secret(string name, X509Certificate2 certificate) =>
        $$"""
        apiVersion: v1
        kind: Secret
        metadata: {name: {{name}}}
        type: kubernetes.io/tls
        data:
          tls.crt: {{Base64(certificate.ExportCertificatePem())}}
          tls.key: {{Base64(certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem())}}
        """;

    private static string Base64(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text));

    private static X509Certificate2 Certificate(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var made = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    /// <summary>Answers one request of each connection with its name, inside TLS where it has a certificate, and keeps the server names that it was asked for.</summary>
    private sealed class Upstream : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _serving;
        private readonly string _name;
        private readonly X509Certificate2? _certificate;

        public Upstream(string name, X509Certificate2? certificate)
        {
            (_name, _certificate) = (name, certificate);
            _listener.Start();
            _serving = ServeAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public ConcurrentQueue<string> ServerNames { get; } = [];

        private async Task ServeAsync()
        {
            try
            {
                while (true) _ = AnswerAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
            }
            catch (OperationCanceledException)
            {
                // The test is over.
            }
        }

        private async Task AnswerAsync(TcpClient client)
        {
            try
            {
                using (client)
                await using (var stream = await OpenAsync(client.GetStream()))
                {
                    using var reader = new StreamReader(stream, leaveOpen: true);
                    while (await reader.ReadLineAsync(_stop.Token) is { } line)
                    {
                        if (line.Length > 0) continue;
                        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {_name.Length}\r\n\r\n{_name}"), _stop.Token);
                        return;
                    }
                }
            }
            catch (Exception e) when (e is IOException or AuthenticationException or OperationCanceledException)
            {
                // A client that does not trust us, or that left: what the tests bring about.
            }
        }

        private async Task<Stream> OpenAsync(NetworkStream stream)
        {
            if (_certificate is null) return stream;
            var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions
                {
                    ServerCertificateSelectionCallback = (_, name) =>
                    {
                        ServerNames.Enqueue(name ?? "");
                        return _certificate;
                    },
                },
                _stop.Token);
            return tls;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _serving;
            _listener.Stop();
            _stop.Dispose();
        }
    }
}
