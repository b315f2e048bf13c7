using System.Collections.Immutable;
using Envoy.Config.Bootstrap.V3;
using Google.Protobuf;

namespace Lateen.Proxy.Configuration;

/// <summary>What this proxy has been told and what it runs of it: the content of <c>/config_dump</c>, not yet printed.</summary>
/// <remarks>Immutable; taken on the configuration thread, readable anywhere.</remarks>
public sealed record ConfigDumpView
{
    /// <summary>The bootstrap file as it was understood; null before it is loaded.</summary>
    public Bootstrap? Bootstrap { get; init; }

    public DateTimeOffset BootstrapLoaded { get; init; }

    /// <summary>The control plane's version of all listeners; empty without one.</summary>
    public string ListenersVersion { get; init; } = string.Empty;

    /// <summary>The control plane's version of all clusters; empty without one.</summary>
    public string ClustersVersion { get; init; } = string.Empty;

    /// <summary>All sections are ordered by name.</summary>
    public ImmutableArray<ConfigDumpEntry> Listeners { get; init; } = [];

    public ImmutableArray<ConfigDumpEntry> Clusters { get; init; } = [];

    public ImmutableArray<ConfigDumpEntry> Routes { get; init; } = [];

    public ImmutableArray<ConfigDumpEntry> Endpoints { get; init; } = [];

    /// <summary>Private keys, their passwords and session ticket keys read <c>[redacted]</c>.</summary>
    public ImmutableArray<ConfigDumpEntry> Secrets { get; init; } = [];
}

/// <summary>One resource: the version that runs, the one that waits to run, and the last one that was refused.</summary>
/// <param name="Name">The resource's name.</param>
/// <param name="IsStatic">It stands in the bootstrap file.</param>
/// <param name="Active">What runs; null when nothing does.</param>
/// <param name="Warming">Accepted, but waiting for what it needs; null when nothing waits.</param>
/// <param name="Error">The last refusal, as long as nothing better came; null: none.</param>
public sealed record ConfigDumpEntry(string Name, bool IsStatic, ConfigDumpVersion? Active, ConfigDumpVersion? Warming, ConfigDumpError? Error);

/// <summary>One version of a resource.</summary>
/// <param name="VersionInfo">As the control plane gave it; empty for static ones.</param>
/// <param name="LastUpdated">When it was accepted.</param>
/// <param name="TypeUrl">Type of <paramref name="Body"/>.</param>
/// <param name="Body">The serialised message.</param>
public sealed record ConfigDumpVersion(string VersionInfo, DateTimeOffset LastUpdated, string TypeUrl, ByteString Body);

/// <summary>A refused version of a resource.</summary>
/// <param name="VersionInfo">The version that was refused.</param>
/// <param name="LastAttempt">When.</param>
/// <param name="Details">Field paths and reasons, the text that the control plane got.</param>
/// <param name="Body">What was refused.</param>
public sealed record ConfigDumpError(string VersionInfo, DateTimeOffset LastAttempt, string Details, ByteString Body);
