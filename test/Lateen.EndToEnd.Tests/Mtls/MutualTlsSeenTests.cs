namespace Lateen.EndToEnd.Tests.Mtls;

/// <summary>What metrics and access logs of both sides say of who spoke to whom.</summary>
public sealed class MutualTlsSeenTests
{
    private const string AccessLog = """
        apiVersion: mesh.istio.io/v1alpha1
        kind: MeshConfig
        accessLogFile: /dev/stdout
        accessLogFormat: "LOG %REQ(:PATH)% %RESPONSE_CODE% tls=%DOWNSTREAM_TLS_VERSION% from=%DOWNSTREAM_PEER_URI_SAN% as=%DOWNSTREAM_LOCAL_URI_SAN% to=%UPSTREAM_PEER_URI_SAN% cluster=%UPSTREAM_CLUSTER%\n"

        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Metrics_of_a_TCP_connection_name_both_ends_and_say_that_it_was_mutual_TLS()
    {
        await using var mesh = await MtlsMesh.StartAsync(Cancel);
        Assert.Equal("\u0001hello", await Caller.EchoAsync(mesh.Tcp.Out, "\u0001hello", Cancel));

        foreach (string family in (string[])["connections_opened", "connections_closed", "received_bytes", "sent_bytes"])
        {
            string server = await SampleAsync(mesh.Server, $"istio_tcp_{family}_total", "destination");
            Assert.Contains($"source_principal=\"{MtlsMesh.ClientIdentity}\"", server, StringComparison.Ordinal);
            Assert.Contains($"destination_principal=\"{MtlsMesh.ServerIdentity}\"", server, StringComparison.Ordinal);
            Assert.Contains("connection_security_policy=\"mutual_tls\"", server, StringComparison.Ordinal);
            string client = await SampleAsync(mesh.Client, $"istio_tcp_{family}_total", "source");
            Assert.Contains($"source_principal=\"{MtlsMesh.ClientIdentity}\"", client, StringComparison.Ordinal);
            Assert.Contains($"destination_principal=\"{MtlsMesh.ServerIdentity}\"", client, StringComparison.Ordinal);
            // Istio's: a client does not say it.
            Assert.Contains("connection_security_policy=\"unknown\"", client, StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Metrics_of_a_TCP_connection_in_the_clear_say_so()
    {
        await using var mesh = await MtlsMesh.StartAsync(Cancel);
        Assert.Equal("\u0001hello", await Caller.EchoAsync(mesh.Tcp.Inbound, "\u0001hello", Cancel));

        string server = await SampleAsync(mesh.Server, "istio_tcp_connections_closed_total", "destination");
        Assert.Contains("source_principal=\"unknown\"", server, StringComparison.Ordinal);
        Assert.Contains("connection_security_policy=\"none\"", server, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task Access_logs_name_both_ends_of_requests_and_of_connections()
    {
        await using var mesh = await MtlsMesh.StartAsync(Cancel, AccessLog);
        Assert.StartsWith("HTTP/1.1 200", await mesh.GetAsync(Cancel, "/seen"), StringComparison.Ordinal);
        Assert.Equal("\u0001hello", await Caller.EchoAsync(mesh.Tcp.Out, "\u0001hello", Cancel));

        const string Served = $"tls=TLSv1.3 from={MtlsMesh.ClientIdentity} as={MtlsMesh.ServerIdentity} to=- ";
        Assert.Contains(Served, await mesh.Server.Program.WaitForLineAsync("LOG /seen 200 ", Cancel), StringComparison.Ordinal);
        await mesh.Server.Program.WaitForLineAsync(
            line => line.StartsWith($"LOG - 0 {Served}", StringComparison.Ordinal) && line.Contains($"inbound|{mesh.Tcp.Inbound}|", StringComparison.Ordinal), "the TCP connection", Cancel);
        const string Sent = $"tls=- from=- as=- to={MtlsMesh.ServerIdentity} ";
        Assert.Contains(Sent, await mesh.Client.Program.WaitForLineAsync("LOG /seen 200 ", Cancel), StringComparison.Ordinal);
        await mesh.Client.Program.WaitForLineAsync(
            line => line.StartsWith($"LOG - 0 {Sent}", StringComparison.Ordinal) && line.Contains("outbound|", StringComparison.Ordinal), "the TCP connection", Cancel);
    }

    /// <summary>The sample of a family that one side reports, as soon as it does: a connection is counted when it opens and when it has closed.</summary>
    private static async Task<string> SampleAsync(ProxyUnderTest proxy, string family, string reporter)
    {
        string? sample = null;
        await MeshUnderTest.UntilAsync(
            $"{family} of the {reporter}",
            async () => (sample = (await proxy.AdminAsync("/stats/prometheus", Cancel)).Split('\n').FirstOrDefault(line =>
                line.StartsWith(family + "{", StringComparison.Ordinal) && line.Contains($"reporter=\"{reporter}\"", StringComparison.Ordinal))) is not null,
            proxy.Program,
            Cancel);
        return sample!;
    }
}
