using Lateen.ControlPlane.Certificates.Callers;
using Lateen.Discovery.Jwks;

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

    /// <summary>The port without TLS, where a proxy's word is taken for who it is. 0 takes a free one, which <see cref="ControlPlaneHost.XdsAddress"/> then tells; null opens none.</summary>
    public int? XdsPort { get; init; } = 15010;

    /// <summary>
    /// Content of Secrets, private keys among it, leaves through the port without TLS too, to proxies of this machine. Without an authority it always does: then
    /// there is no other port.
    /// </summary>
    public bool SecretsOverPlaintext { get; init; }

    /// <summary>The IP address of the port with mutual TLS, where proxies get certificates and configuration.</summary>
    public string SecureHost { get; init; } = "127.0.0.1";

    /// <summary>Istio's is 15012. 0 takes a free one, which <see cref="ControlPlaneHost.SecureAddress"/> then tells; null opens none, and there is no certificate authority.</summary>
    public int? SecurePort { get; init; }

    /// <summary>A directory with the files of Istio's <c>cacerts</c>, by which the mesh's authority is brought; null makes one and keeps it in the state directory.</summary>
    public string? AuthorityDirectory { get; init; }

    /// <summary>Issuers whose tokens prove workloads to the authority, beside join tokens and certificates.</summary>
    public IReadOnlyList<TokenIssuer> TokenIssuers { get; init; } = [];

    /// <summary>The loopback IP address of the API. Who reaches it may apply configuration; what changes the authority wants <see cref="PublishApiKey"/>.</summary>
    public string ApiHost { get; init; } = "127.0.0.1";

    public int ApiPort { get; init; } = 15014;

    /// <summary>A unix socket for the API instead of a port.</summary>
    public string? ApiSocketPath { get; init; }

    /// <summary>
    /// Given the API's address as soon as it is bound, makes a key for this run, puts it where its callers find it and others do not, and returns it: what changes the
    /// authority is then done for those who show it. Null: for whoever reaches the API.
    /// </summary>
    /// <exception cref="IOException">It cannot be put there; the control plane does not start.</exception>
    public Func<string, string>? PublishApiKey { get; init; }

    /// <summary>How keys of token issuers are fetched, and from where they may be.</summary>
    public JwksOptions Jwks { get; init; } = JwksOptions.Default;

    /// <summary>Revisions that the history holds. Count. Hit: the oldest is forgotten; what is served stays.</summary>
    public int HistoryLength { get; init; } = 256;

    /// <summary>Takes one line per event that an operator may want to know: connections, refusals, reloads. Never the text of a resource.</summary>
    public Action<string> Log { get; init; } = static _ => { };

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
