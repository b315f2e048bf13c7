using System.Net;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.ExtAuthz;
using Lateen.Proxy.Filters.Jwt;
using Lateen.Proxy.Filters.Rbac;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Statistics;
using Lateen.Proxy.Tcp;
using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Exposition;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Tests.Harness;

/// <summary>The engine in this process, configured by a bootstrap in YAML as users write it. Ports are 0 and asked for by listener name.</summary>
internal sealed class BootstrappedProxy : IAsyncDisposable
{
    private readonly ProxyConfiguration _configuration;

    private BootstrappedProxy(string yaml, int concurrency, TimeProvider time)
    {
        Statistics = new ProxyStatistics(Registry, concurrency);
        var istio = new IstioFilters(Registry, "test", null, concurrency);
        var extensions = new ExtensionCatalog(
            [new RouterFilterCompiler(), new JwtAuthnCompiler(concurrency), new ExtAuthzCompiler(), new RbacFilterCompiler(Registry), .. istio.Compilers],
            [new LogCompiler(Log)],
            [new ConnectionLimitCompiler(), new NetworkRbacFilterCompiler(Registry), new NetworkExtAuthzCompiler(Registry), .. istio.NetworkCompilers]);
        var errors = new ConfigurationErrors();
        Bootstrap = new BootstrapLoader(extensions).TryLoad(yaml, errors);
        Assert.Equal(string.Empty, errors.ToString());
        _configuration = new ProxyConfiguration(new ProxyConfigurationOptions { ReactorCount = concurrency, Extensions = extensions, Time = time, OnFault = Defects.Add });
        Engine = new ProxyEngine(_configuration.Snapshots, Statistics, new ProxyEngineOptions
        {
            Concurrency = concurrency,
            TimeProvider = time,
            DefectReported = Defects.Add,
        });
    }

    public StatsRegistry Registry { get; } = new();

    public ProxyStatistics Statistics { get; }

    public ProxyEngine Engine { get; }

    /// <summary>What access logs wrote: <c>FLAGS received/sent sni=SNI to=HOST from=CLIENT chain=CHAIN DETAILS</c>.</summary>
    public RecordingLog Log { get; } = new() { FormatConnection = Describe };

    public System.Collections.Concurrent.ConcurrentBag<Exception> Defects { get; } = [];

    private BootstrapConfig? Bootstrap { get; }

    public static async Task<BootstrappedProxy> StartAsync(string yaml, int concurrency = 1, TimeProvider? time = null)
    {
        var proxy = new BootstrappedProxy(yaml, concurrency, time ?? TimeProvider.System);
        proxy.Engine.Start();
        proxy._configuration.Thread.Start();
        await proxy._configuration.LoadAsync(proxy.Bootstrap!);
        await proxy._configuration.Initialized.WaitAsync(TestContext.Current.CancellationToken);
        return proxy;
    }

    /// <summary>What is wrong with a configuration.</summary>
    public static string[] ErrorsOf(string yaml)
    {
        var registry = new StatsRegistry();
        var istio = new IstioFilters(registry, "test", null, 1);
        var extensions = new ExtensionCatalog(
            [new RouterFilterCompiler(), new JwtAuthnCompiler(1), new ExtAuthzCompiler(), new RbacFilterCompiler(registry), .. istio.Compilers],
            [new LogCompiler(new RecordingLog())],
            [new ConnectionLimitCompiler(), new NetworkRbacFilterCompiler(registry), new NetworkExtAuthzCompiler(registry), .. istio.NetworkCompilers]);
        var errors = new ConfigurationErrors();
        new BootstrapLoader(extensions).TryLoad(yaml, errors);
        return [.. errors.All.Select(static error => error.ToString())];
    }

    public IPEndPoint AddressOf(string listener) => (IPEndPoint)Engine.Listeners.Listeners.Single(one => one.Snapshot.Name == listener).Addresses[0];

    /// <summary>Lines of the Prometheus page that begin so.</summary>
    public string[] PrometheusLines(string prefix)
    {
        var writer = new System.Buffers.ArrayBufferWriter<byte>();
        PrometheusText.Write(Registry.List(), StatsQuery.All, writer);
        return [.. Encoding.UTF8.GetString(writer.WrittenSpan).Split('\n').Where(line => line.StartsWith(prefix, StringComparison.Ordinal))];
    }

    /// <summary>A statistic once it is what is expected.</summary>
    public async Task EventuallyAsync(string statistic, long expected)
    {
        var deadline = TimeProvider.System.GetTimestamp() + (10 * TimeProvider.System.TimestampFrequency);
        long last;
        while ((last = Registry.Find(statistic) ?? 0) != expected)
        {
            Assert.True(TimeProvider.System.GetTimestamp() < deadline, $"{statistic} stayed {last}, expected {expected}");
            await Task.Yield();
        }
    }

    /// <summary>Completes when each reactor has done all that was to do before this call.</summary>
    public async Task SettleAsync()
    {
        for (var i = 0; i < 3; i++)
        {
            foreach (var reactor in Engine.Reactors) await reactor.InvokeAsync(static () => { });
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        _configuration.Dispose();
        Assert.Empty(Defects);
    }

    private static string Describe(IAccessLogRecord record)
    {
        string Text(AccessLogText text) => Encoding.UTF8.GetString(record.Text(text));
        string Address(AccessLogAddress address) => Encoding.UTF8.GetString(record.Address(address));
        return $"{ResponseFlagNames.ToText(record.Flags)} {record.Number(AccessLogNumber.BytesReceived)}/{record.Number(AccessLogNumber.BytesSent)}"
            + $" sni={Text(AccessLogText.RequestedServerName)} to={Address(AccessLogAddress.UpstreamHost)} from={Address(AccessLogAddress.DownstreamRemote)}"
            + $" chain={Text(AccessLogText.FilterChainName)} {Text(AccessLogText.ConnectionTerminationDetails)}{Text(AccessLogText.UpstreamTransportFailureReason)}";
    }

    private sealed class LogCompiler(RecordingLog log) : IExtensionCompiler
    {
        public string MessageName => "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog";

        public CompiledExtension Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors) => log;
    }
}

/// <summary>Bootstraps of the kind that tests of TCP want.</summary>
internal static class TcpYaml
{
    public const string Log = """
        access_log: [{name: log, typed_config: {"@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog}}]
        """;

    /// <summary>A listener named <c>tcp</c> and a cluster named <c>backend</c>.</summary>
    public static string Simple(IPEndPoint backend, string proxyOptions = "", string listenerOptions = "", string clusterOptions = "") =>
        Listeners(Listener("tcp", Chain(Proxy("backend", proxyOptions)), listenerOptions)) + Clusters(Cluster("backend", clusterOptions, backend));

    public static string Listeners(params string[] listeners) => "static_resources:\n  listeners:\n" + string.Concat(listeners);

    public static string Clusters(params string[] clusters) => "  clusters:\n" + string.Concat(clusters);

    public static string Listener(string name, string chains, string options = "") => $$$"""
          - name: {{{name}}}
            address: {socket_address: {address: 127.0.0.1, port_value: 0}}
        {{{Indent(options, 4)}}}
            filter_chains:
        {{{chains}}}

        """;

    public static string Chain(string filters, string match = "", string name = "", string options = "") => $$$"""
            - name: "{{{name}}}"
              filter_chain_match: { {{{match}}} }
        {{{Indent(options, 6)}}}
              filters:
        {{{filters}}}
        """;

    public static string Proxy(string cluster, string options = "") => $$$"""
              - name: envoy.filters.network.tcp_proxy
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
                  stat_prefix: t
        {{{(cluster.Length > 0 ? "          cluster: " + cluster : "")}}}
        {{{Indent(Log, 10)}}}
        {{{Indent(options, 10)}}}
        """;

    public static string Http(string cluster) => $$$"""
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: h
                  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: "/"}, route: {cluster: {{{cluster}}}}}]}]}
                  http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
        """;

    public static string Cluster(string name, string options, params IPEndPoint[] endpoints) => $$$"""
          - name: {{{name}}}
            type: STATIC
            connect_timeout: 5s
        {{{Indent(options, 4)}}}
            load_assignment:
              cluster_name: {{{name}}}
              endpoints:
              - lb_endpoints:
        {{{string.Concat(endpoints.Select(EndpointLine))}}}

        """;

    private static string EndpointLine(IPEndPoint one) =>
        $"        - endpoint:\n            address:\n              socket_address:\n                address: {one.Address}\n                port_value: {one.Port}\n";

    private static string Indent(string text, int spaces) =>
        string.Join('\n', text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => new string(' ', spaces) + line));
}
