using System.Text;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Identity;
using Lateen.Proxy.Logging;
using Lateen.Proxy.Tests.Configuration;
using Lateen.Proxy.Tests.Tls;
using Lateen.Telemetry.Statistics;
using Lateen.Xds;
using Lateen.Xds.Client;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Proxy.Tests.Identity;

/// <summary>A proxy's configuration and the agent of its identity, under a clock and an authority of the test's.</summary>
internal sealed class AgentUnderTest : IAsyncDisposable
{
    private readonly MemoryStream _logged = new();
    private readonly ProxyLog _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly WorkloadIdentityAgent _agent;
    private readonly Task _running;

    public AgentUnderTest(TestAuthority root, string token = "{inline_string: a-token}", Action<AuthorityInMemory>? prepare = null)
    {
        Clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        Authority = new AuthorityInMemory(root, Clock);
        prepare?.Invoke(Authority);
        Configuration = new ProxyConfiguration(new ProxyConfigurationOptions { ReactorCount = 1, Extensions = Setup.Extensions, Time = Clock });
        Configuration.Thread.Start();
        Configuration.Xds.Attach((type, name) => Subscriptions.Enqueue($"+{XdsTypeUrls.ShortName(type)} {name}"), static (_, _) => { });
        _log = new ProxyLog(Stream.Synchronized(_logged), LogLevel.Debug, Clock);
        var config = Setup.Read(IdentityYaml.Bootstrap(IdentityYaml.Extension(IdentityYaml.Inline(root), token), IdentityYaml.Cluster(15012) + "\n" + IdentityYaml.Cluster(15013, name: "peer")) + Ads);
        Loaded = Configuration.LoadAsync(config);
        _agent = new WorkloadIdentityAgent(config.Identity!, Configuration, Authority, Registry, _log.For("identity"), Clock, () => Chance);
        _running = _agent.RunAsync(_stop.Token);
    }

    public const string Ads = """

        dynamic_resources:
          lds_config: {ads: {}}
          cds_config: {ads: {}}
          ads_config: {api_type: DELTA_GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: xds-grpc}}]}
        """;

    public FakeTimeProvider Clock { get; }

    public AuthorityInMemory Authority { get; }

    public ProxyConfiguration Configuration { get; }

    public StatsRegistry Registry { get; } = new();

    public System.Collections.Concurrent.ConcurrentQueue<string> Subscriptions { get; } = [];

    public Task Loaded { get; }

    public Task Ready => _agent.Ready;

    /// <summary>What the agent draws where it leaves something to chance.</summary>
    public double Chance { get; set; } = 0.5;

    public string Log => Encoding.UTF8.GetString(_logged.ToArray());

    /// <summary>The next question to the authority, time passing in steps until it comes.</summary>
    public async Task<(AuthorityProof Proof, TimeSpan After)> NextQuestionAsync(TimeSpan step, TimeSpan atMost)
    {
        var begin = Clock.GetUtcNow();
        AuthorityProof? proof;
        while (!Authority.Asked.TryRead(out proof))
        {
            if (Clock.GetUtcNow() - begin > atMost) Assert.Fail($"no question within {atMost}; the log says: {Log}");
            Clock.Advance(step);

            // The agent may run on another thread: give it a moment to see the clock. Time that it does not see is time that has passed.
            for (var i = 0; i < 10 && Authority.Asked.Count == 0; i++) await Task.Yield();
        }

        return (proof, Clock.GetUtcNow() - begin);
    }

    /// <summary>Completes when the configuration thread has done what was posted to it.</summary>
    public Task SettleAsync() => Configuration.Thread.InvokeAsync(static () => true);

    /// <summary>The serial number of the certificate in use, by the status page's view.</summary>
    public async Task<string?> SerialAsync() => (await Configuration.CertificatesAsync()).FirstOrDefault(one => !one.AreRoots)?.Certificates[0].Serial;

    /// <summary>Subjects of the roots in use.</summary>
    public async Task<string[]> RootsAsync() => [.. (await Configuration.CertificatesAsync()).Where(one => one.AreRoots).SelectMany(one => one.Certificates).Select(one => one.Subject)];

    /// <summary>What the control plane says of the mesh's roots; gives what is wrong with it, empty when nothing is.</summary>
    public async Task<string> TellRootsAsync(params TestAuthority[] roots)
    {
        var secret = TlsYaml.RootsSecret("ROOTCA", string.Concat(roots.Select(one => one.Pem)));
        var rejections = await Configuration.Xds.ApplyAsync(new XdsUpdate(XdsTypeUrls.Secret, "v", [secret], []), TestContext.Current.CancellationToken);
        return string.Join("; ", (rejections ?? []).Select(one => one.Reason));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _agent.Dispose();
        Configuration.Dispose();
        _log.Dispose();
        _stop.Dispose();
    }
}
