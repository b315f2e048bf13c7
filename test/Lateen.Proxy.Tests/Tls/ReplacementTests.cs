using System.Collections.Concurrent;
using System.Net;
using Lateen.Proxy.Tests.Harness;
using Lateen.Proxy.Tests.Routing;
using Lateen.Testing;
using Lateen.Xds;
using static Lateen.Proxy.Tests.Tls.TlsYaml;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>Certificates that are replaced while the proxy works.</summary>
public sealed class ReplacementTests : IDisposable
{
    private const int Replacements = 100;
    private const int RequestsPerSecond = 300;

    private readonly TestAuthority _authority = new();
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _folder.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public async Task A_hundred_replacements_on_disk_under_load_fail_no_request_and_new_connections_see_each()
    {
        Write(_authority.Issue(["a.test"]));
        await using var proxy = await ConfiguredProxy.StartAsync(WithFiles(string.Empty));
        await ReplaceUnderLoadAsync(proxy, certificate =>
        {
            Write(certificate);
            return Task.CompletedTask;
        });
    }

    [Fact]
    public async Task A_hundred_replacements_through_SDS_under_load_fail_no_request_and_new_connections_see_each()
    {
        await using var proxy = await ConfiguredProxy.StartAsync(WithSds());
        await proxy.ApplyAsync(XdsTypeUrls.Secret, CertificateSecret("default", _authority.Issue(["a.test"])));
        await ReplaceUnderLoadAsync(proxy, certificate => proxy.ApplyAsync(XdsTypeUrls.Secret, CertificateSecret("default", certificate)));
    }

    [Fact]
    public async Task Link_above_the_files_that_is_swapped_as_Kubernetes_does_it_is_noticed()
    {
        var first = _authority.Issue(["a.test"]);
        await PublishAsync(first, "..2026_1");
        await using var proxy = await ConfiguredProxy.StartAsync(WithFiles($", watched_directory: {{path: {Path.GetDirectoryName(_folder.PathOf("x"))}}}"));
        await SeenAsync(proxy.Address, first.Serial);
        var second = _authority.Issue(["a.test"]);
        await PublishAsync(second, "..2026_2");
        await SeenAsync(proxy.Address, second.Serial);

        async Task PublishAsync(TestCertificate certificate, string version)
        {
            Directory.CreateDirectory(_folder.PathOf(version));
            File.WriteAllText(_folder.PathOf($"{version}/tls.crt"), certificate.Chain);
            File.WriteAllText(_folder.PathOf($"{version}/tls.key"), certificate.Key);
            Directory.CreateSymbolicLink(_folder.PathOf("..data_tmp"), version);
            await ProgramUnderTest.RunAsync("mv", ["-T", _folder.PathOf("..data_tmp"), _folder.PathOf("..data")], Cancel);
            if (File.Exists(_folder.PathOf("tls.crt"))) return;
            File.CreateSymbolicLink(_folder.PathOf("tls.crt"), "..data/tls.crt");
            File.CreateSymbolicLink(_folder.PathOf("tls.key"), "..data/tls.key");
        }
    }

    [Fact]
    public async Task Key_that_does_not_fit_its_certificate_leaves_the_old_pair_in_use_and_is_reported_by_file()
    {
        var first = _authority.Issue(["a.test"]);
        Write(first);
        await using var proxy = await ConfiguredProxy.StartAsync(WithFiles(string.Empty));
        var second = _authority.Issue(["a.test"]);
        Replace("tls.crt", second.Chain);
        while (!proxy.Warnings.Any(warning => warning.Contains($"'{_folder.PathOf("tls.crt")}', '{_folder.PathOf("tls.key")}'", StringComparison.Ordinal)
            && warning.Contains("what was there before stays in use", StringComparison.Ordinal))) await Task.Yield();
        await SeenAsync(proxy.Address, first.Serial);

        Replace("tls.key", second.Key);
        await SeenAsync(proxy.Address, second.Serial);
    }

    private static async Task SeenAsync(IPEndPoint address, string serial)
    {
        // Bounded by the test's own time: what matters is that it comes about without being asked for.
        while (true)
        {
            using var client = await TlsClient.ConnectAsync(address);
            if (client.Serial == serial) return;
            Cancel.ThrowIfCancellationRequested();
        }
    }

    private async Task ReplaceUnderLoadAsync(ConfiguredProxy proxy, Func<TestCertificate, Task> replace)
    {
        var failures = new ConcurrentQueue<string>();
        using var stop = new CancellationTokenSource();
        long answered = 0;
        var load = Enumerable.Range(0, 6).Select(worker => Task.Run(() => LoadAsync(worker))).ToList();
        var slowest = TimeSpan.Zero;
        for (var i = 0; i < Replacements; i++)
        {
            var certificate = _authority.Issue(["a.test"]);
            var before = Interlocked.Read(ref answered);
            await replace(certificate);
            var started = TimeProvider.System.GetTimestamp();
            await SeenAsync(proxy.Address, certificate.Serial);
            var took = TimeProvider.System.GetElapsedTime(started);
            if (took > slowest) slowest = took;

            // The next replacement meets traffic, too.
            while (Interlocked.Read(ref answered) < before + 10 && failures.IsEmpty) await Task.Yield();
        }

        await stop.CancelAsync();
        await Task.WhenAll(load);
        Assert.Empty(failures);
        Assert.Empty(proxy.Warnings);
        TestContext.Current.TestOutputHelper?.WriteLine($"{answered} requests, 0 failed; slowest replacement seen after {slowest.TotalMilliseconds:0} ms");

        async Task LoadAsync(int worker)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(6.0 / RequestsPerSecond));
            TlsClient? client = null;
            for (var request = 0; !stop.IsCancellationRequested; request++)
            {
                try
                {
                    // Connections of all ages: some stay over all replacements, others are made between any two.
                    if (client is null || (worker > 2 && request % 5 == 0))
                    {
                        client?.Dispose();
                        client = await TlsClient.ConnectAsync(proxy.Address);
                    }

                    var answer = await client.GetAsync();
                    if (answer == "HTTP/1.1 200hello") Interlocked.Increment(ref answered);
                    else failures.Enqueue(answer);
                    await timer.WaitForNextTickAsync(CancellationToken.None);
                }
                catch (Exception failure) when (failure is IOException or System.Net.Sockets.SocketException or System.Security.Authentication.AuthenticationException)
                {
                    failures.Enqueue(failure.ToString());
                    client?.Dispose();
                    client = null;
                }
            }

            client?.Dispose();
        }
    }

    private void Write(TestCertificate certificate)
    {
        // One after the other, each by a rename, as tools do it: between the two they do not fit together.
        Replace("tls.crt", certificate.Chain);
        Replace("tls.key", certificate.Key);
    }

    private void Replace(string name, string content)
    {
        File.WriteAllText(_folder.PathOf(name + ".new"), content);
        File.Move(_folder.PathOf(name + ".new"), _folder.PathOf(name), overwrite: true);
    }

    private string WithFiles(string more) => WithListener(
        $"common_tls_context: {{tls_certificates: [{{certificate_chain: {{filename: {_folder.PathOf("tls.crt")}}}, private_key: {{filename: {_folder.PathOf("tls.key")}}}{more}}}]}}");

    private static string WithListener(string context) =>
        $"static_resources:\n  listeners:\n  - {Routes.Indent(Listener("main", 0, DownstreamContext(context)), 4).TrimStart()}";

    private static string WithSds() => WithListener($"common_tls_context: {{tls_certificate_sds_secret_configs: [{{name: default, sds_config: {Ads}}}]}}") + """

          clusters:
          - name: xds-grpc
            typed_extension_protocol_options:
              envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                explicit_http_config: {http2_protocol_options: {}}
            load_assignment: {cluster_name: xds-grpc, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 15010}}}}]}]}
        node: {id: test, cluster: test}
        dynamic_resources:
          ads_config: {api_type: DELTA_GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: xds-grpc}}]}
        """;
}
