using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Tls;

/// <summary>Where a TLS context gets one of its secrets from: it stands in the context itself, in the bootstrap file, comes by SDS, or is the proxy's own identity.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class SecretSource
{
    /// <summary>The secret's name; null when it stands in the context.</summary>
    public string? Name { get; private init; }

    /// <summary>What stands in the context; null when the secret has a name.</summary>
    public Secret? Inline { get; private init; }

    /// <summary>Who supplies it.</summary>
    public SecretOrigin Origin { get; private init; }

    /// <summary>It comes while the proxy runs, and a context may have to wait for it.</summary>
    public bool IsAwaited => Origin is SecretOrigin.ControlPlane or SecretOrigin.Identity;

    /// <summary>How long a listener or cluster waits for it before it runs without; null: for ever.</summary>
    public TimeSpan? Patience { get; private init; }

    /// <summary>What the context needs it for.</summary>
    public required Secret.TypeOneofCase Kind { get; init; }

    /// <summary>Where the context names it, or holds it.</summary>
    public required FieldPath Path { get; init; }

    public static SecretSource Within(Secret secret, FieldPath path) => new() { Inline = secret, Kind = secret.TypeCase, Path = path };

    public static SecretSource Static(string name, Secret.TypeOneofCase kind, FieldPath path) => new() { Name = name, Origin = SecretOrigin.Bootstrap, Kind = kind, Path = path };

    public static SecretSource Discovered(string name, Secret.TypeOneofCase kind, TimeSpan? patience, FieldPath path) =>
        new() { Name = name, Origin = SecretOrigin.ControlPlane, Kind = kind, Patience = patience, Path = path };

    public static SecretSource OfIdentity(string name, Secret.TypeOneofCase kind, TimeSpan? patience, FieldPath path) =>
        new() { Name = name, Origin = SecretOrigin.Identity, Kind = kind, Patience = patience, Path = path };
}
