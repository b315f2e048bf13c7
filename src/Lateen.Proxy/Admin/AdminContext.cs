using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Logging;
using Lateen.Proxy.Statistics;
using Lateen.Proxy.Tls;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Admin;

/// <summary>Everything that the admin pages read. Made once by the composition root.</summary>
public sealed record AdminContext
{
    public required ProxyStatistics Statistics { get; init; }

    public required ProxySnapshotSource Snapshots { get; init; }

    /// <summary>Takes a view of all resources; it is made on the configuration thread.</summary>
    public required Func<CancellationToken, ValueTask<ConfigDumpView>> DumpAsync { get; init; }

    /// <summary>Takes the certificates that are in use; they are collected on the configuration thread.</summary>
    public Func<CancellationToken, ValueTask<ImmutableArray<CertificatesInUse>>> CertificatesAsync { get; init; } = static _ => new([]);

    /// <summary>When the first certificate in use ends; null: none is in use. Any thread.</summary>
    public Func<DateTimeOffset?> FirstCertificateExpiry { get; init; } = static () => null;

    public required IProxyLifecycle Lifecycle { get; init; }

    public required ProxyLog Log { get; init; }

    public required AccessLogWriter AccessLogs { get; init; }

    /// <summary>The bootstrap's node, for <c>/server_info</c>.</summary>
    public required Node Node { get; init; }

    /// <summary>When the bootstrap was read; uptime counts from here.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>The file that <c>-c</c> named.</summary>
    public string ConfigPath { get; init; } = string.Empty;

    /// <summary>The version of this program, <c>0.1.0</c>.</summary>
    public string Version { get; init; } = "0.1.0";

    /// <summary>Reactors.</summary>
    public int Concurrency { get; init; } = 1;

    /// <summary>How long a graceful drain takes.</summary>
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromMinutes(10);
}
