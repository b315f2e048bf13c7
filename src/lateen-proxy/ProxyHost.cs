using System.Collections.Immutable;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Envoy.Config.Bootstrap.V3;
using Envoy.Config.Core.V3;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Admin;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.ControlPlane;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.ExtAuthz;
using Lateen.Proxy.Filters.Grpc;
using Lateen.Proxy.Filters.Jwt;
using Lateen.Proxy.Filters.MutualTls;
using Lateen.Proxy.Filters.Rbac;
using Lateen.Proxy.Identity;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Logging;
using Lateen.Proxy.Statistics;
using Lateen.Proxy.Tcp;
using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Statistics;
using Lateen.Xds.Text;

namespace Lateen.ProxyHost;

/// <summary>The composition root: puts the rooms of the data plane together, in the order in which they need each other.</summary>
internal static class ProxyHost
{
    public static async Task<int> RunAsync(ProxyArguments arguments, string text)
    {
        TimeProvider time = TimeProvider.System;
        var errors = new ConfigurationErrors();
        Bootstrap? bootstrap = Read(text, arguments, errors);
        var registry = new StatsRegistry();
        var statistics = new ProxyStatistics(registry, arguments.Concurrency);
        await using var accessLogs = new AccessLogWriter(new AccessLogWriterOptions
        {
            // One more for the admin pages, where they are logged: a buffer has one writer.
            ReactorCount = arguments.Concurrency + (bootstrap?.Admin?.AccessLog.Count > 0 ? 1 : 0),
            StandardOutput = Console.OpenStandardOutput(),
            StandardError = Console.OpenStandardError(),
        }, registry);
        ExtensionCatalog extensions = Extensions(bootstrap?.Node, accessLogs, registry, arguments.Concurrency, time);
        BootstrapConfig? config = bootstrap is null || errors.Any ? null : new BootstrapLoader(extensions).TryCheck(bootstrap, errors);
        if (config is null)
        {
            foreach (ConfigurationError error in errors.All) await Console.Error.WriteLineAsync($"{arguments.ConfigPath}: {error}");
            return 1;
        }

        if (arguments.Mode == ProxyMode.Validate)
        {
            Console.Out.WriteLine($"configuration '{arguments.ConfigPath}' OK");
            return 0;
        }

        return await ServeAsync(arguments, config, extensions, statistics, accessLogs, time);
    }

    private static async Task<int> ServeAsync(
        ProxyArguments arguments, BootstrapConfig config, ExtensionCatalog extensions, ProxyStatistics statistics, AccessLogWriter accessLogs, TimeProvider time)
    {
        using var log = new ProxyLog(Console.OpenStandardError(), arguments.LogLevel, time);
        foreach ((string component, LogLevel level) in arguments.ComponentLogLevels)
        {
            log.For(component);
            log.TrySetLevel(component, level);
        }

        Logger main = log.For("main");
        ProxyEngine? opened = null;
        using var configuration = new ProxyConfiguration(new ProxyConfigurationOptions
        {
            ReactorCount = arguments.Concurrency,
            Extensions = extensions,
            RefuseListener = listener => opened?.Listeners.WhyNot(listener),
            Time = time,
            OnWarning = warning => log.For("config").Warning($"{warning}"),
            OnNote = note => log.For("config").Info($"{note}"),
            OnPassedOver = count => statistics.Registry.Shared.Add(statistics.Server.DynamicUnknownFields, count),
            OnSecretEvent = new SecretTally(statistics.Registry).Count,
            OnFault = fault => log.For("config").Error($"a defect on the configuration thread: {fault}"),
        });
        await using var engine = new ProxyEngine(configuration.Snapshots, statistics, new ProxyEngineOptions
        {
            Concurrency = arguments.Concurrency,
            MaxConnections = config.MaxDownstreamConnections,
            Node = new LocalNode(config.Node.Cluster, config.Node.Id),
            TimeProvider = time,
            DefectReported = defect => main.Error($"a defect cost one connection: {defect}"),
        });
        using var clusters = new ClusterTally(statistics, configuration.Snapshots, time);
        opened = engine;
        using var lifecycle = new ProxyLifecycle(engine, log, arguments.DrainTime);
        // SIGUSR1, 10 on Linux: a log rotation has renamed the access logs.
        using var rotation = PosixSignalRegistration.Create((PosixSignal)10, context =>
        {
            context.Cancel = true;
            accessLogs.Reopen();
        });
        engine.Start();
        configuration.Thread.Start();
        await configuration.LoadAsync(config);
        AdminServer? bound;
        try
        {
            bound = OpenAdmin(arguments, config, configuration, statistics, accessLogs, lifecycle, log, time);
        }
        catch (SocketException e)
        {
            await Console.Error.WriteLineAsync($"{arguments.ConfigPath}: admin.address: {config.AdminAddress} cannot be bound: {e.Message}");
            return 1;
        }

        await using AdminServer? admin = bound;
        if (admin is not null)
        {
            main.Info($"admin address: {admin.Address}");
            if (arguments.AdminAddressPath is { } path) await File.WriteAllTextAsync(path, admin.Address.ToString());
        }

        using var stop = new CancellationTokenSource();
        await using ManagementReactor? management = config.ControlPlane is null && config.Identity is null ? null
            : new ManagementReactor(new SystemHostResolver(), time, defect => main.Error($"a defect cost one conversation with the control plane: {defect}"));
        using WorkloadIdentityAgent? agent = config.Identity is { } identity
            ? new WorkloadIdentityAgent(identity, configuration, management!, statistics.Registry, log.For("identity"), time) : null;
        Task confirming = agent?.RunAsync(stop.Token) ?? Task.CompletedTask;
        Task following = config.ControlPlane is { } plane
            ? ControlPlaneClient.FollowAsync(plane, config.Node, admin?.Address.ToString(), configuration, management!, agent?.Ready ?? Task.CompletedTask, statistics, time, stop.Token) : Task.CompletedTask;
        _ = configuration.Initialized.ContinueWith(_ => lifecycle.MarkInitialized(), TaskScheduler.Default);
        Task tidying = StartupGarbage.CollectAsync(configuration.Initialized, time, stop.Token);
        int code = await lifecycle.Ended;
        main.Info($"exiting");
        await stop.CancelAsync();
        await Task.WhenAll(confirming, following, tidying).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return code;
    }

    private static Bootstrap? Read(string text, ProxyArguments arguments, ConfigurationErrors errors)
    {
        Bootstrap? bootstrap = ProtoYamlReader.ReadText<Bootstrap>(BootstrapLoader.MessageName, text, out ImmutableArray<ProtoFault> faults);
        foreach (ProtoFault fault in faults)
        {
            errors.Add(fault.Path, fault.Position.Line == 0 ? fault.Message : $"{fault.Message} (line {fault.Position.Line}, column {fault.Position.Column})");
        }

        if (bootstrap is null) return null;
        if (arguments.ServiceNode is { } id) (bootstrap.Node ??= new Node()).Id = id;
        if (arguments.ServiceCluster is { } cluster) (bootstrap.Node ??= new Node()).Cluster = cluster;
        return bootstrap;
    }

    private static ExtensionCatalog Extensions(Node? node, AccessLogWriter accessLogs, StatsRegistry registry, int concurrency, TimeProvider time)
    {
        var istio = new IstioFilters(registry, node?.Id ?? string.Empty, node?.Metadata, concurrency);
        var formats = new AccessLogContext
        {
            HostName = Environment.MachineName,
#pragma warning disable RS0030 // Executables are where the environment is read.
            Environment = Environment.GetEnvironmentVariable,
#pragma warning restore RS0030
            ResolveHeader = static name => (int)Lateen.Http.KnownHeaders.Recognize(System.Text.Encoding.ASCII.GetBytes(name)),
            Time = time,
        };
        return new ExtensionCatalog(
            [
                new RouterFilterCompiler(), new GrpcStatsFilterCompiler(), new GrpcWebFilterCompiler(), new AlpnFilterCompiler(),
                new JwtAuthnCompiler(concurrency), new ExtAuthzCompiler(), new RbacFilterCompiler(registry), .. istio.Compilers,
            ],
            AccessLogCompilers.All(accessLogs, formats),
            [new ConnectionLimitCompiler(), new NetworkRbacFilterCompiler(registry), new NetworkExtAuthzCompiler(registry), .. istio.NetworkCompilers]);
    }

    private static AdminServer? OpenAdmin(
        ProxyArguments arguments, BootstrapConfig config, ProxyConfiguration configuration, ProxyStatistics statistics, AccessLogWriter accessLogs,
        ProxyLifecycle lifecycle, ProxyLog log, TimeProvider time) =>
        config.AdminAddress is not { } address ? null : new AdminServer(address, AdminPages.Create(new AdminContext
        {
            Statistics = statistics,
            Snapshots = configuration.Snapshots,
            DumpAsync = async cancellation => await configuration.DumpAsync().WaitAsync(cancellation),
            CertificatesAsync = async cancellation => await configuration.CertificatesAsync().WaitAsync(cancellation),
            FirstCertificateExpiry = () => configuration.FirstCertificateExpiry,
            Lifecycle = lifecycle,
            Log = log,
            AccessLogs = accessLogs,
            Node = config.Node,
            StartedAt = time.GetUtcNow(),
            Time = time,
            ConfigPath = arguments.ConfigPath,
            Version = ProxyArguments.Version,
            Concurrency = arguments.Concurrency,
            DrainTime = arguments.DrainTime,
        }), log, time, config.AdminAccessLogs.IsEmpty ? null : new AdminAccessLogs(config.AdminAccessLogs, arguments.Concurrency));
}
