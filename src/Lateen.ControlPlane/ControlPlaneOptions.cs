namespace Lateen.ControlPlane;

/// <summary>What a control plane is started with. Plain values: reading flags and the environment is the executable's work.</summary>
public sealed record ControlPlaneOptions
{
    /// <summary>The directory of configuration to serve and watch; null for none.</summary>
    public string? Directory { get; init; }

    /// <summary>Where applied resources are kept across restarts; null keeps them in memory only.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>A file with mesh settings, read once at start; null for the defaults or a MeshConfig among the resources.</summary>
    public string? MeshFile { get; init; }

    /// <summary>The IP address on which proxies connect.</summary>
    public string XdsHost { get; init; } = "127.0.0.1";

    /// <summary>Port 0 takes a free one, which <see cref="ControlPlaneHost.XdsAddress"/> then tells.</summary>
    public int XdsPort { get; init; } = 15010;

    /// <summary>The loopback IP address of the API. The API has no authentication of its own: who reaches it may change everything.</summary>
    public string ApiHost { get; init; } = "127.0.0.1";

    public int ApiPort { get; init; } = 15014;

    /// <summary>A unix socket for the API instead of a port.</summary>
    public string? ApiSocketPath { get; init; }

    /// <summary>Revisions that the history holds. Count. Hit: the oldest is forgotten; what is served stays.</summary>
    public int HistoryLength { get; init; } = 256;

    /// <summary>Takes one line per event that an operator may want to know: connections, refusals, reloads. Never the text of a resource.</summary>
    public Action<string> Log { get; init; } = static _ => { };

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
