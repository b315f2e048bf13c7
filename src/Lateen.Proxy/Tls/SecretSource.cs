using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Tls;

/// <summary>Where a TLS context gets one of its secrets from: it stands in the context itself, in the bootstrap file, or comes by SDS.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class SecretSource
{
    /// <summary>The secret's name; null when it stands in the context.</summary>
    public string? Name { get; private init; }

    /// <summary>What stands in the context; null when the secret has a name.</summary>
    public Secret? Inline { get; private init; }

    /// <summary>The control plane is asked for it.</summary>
    public bool IsDynamic { get; private init; }

    /// <summary>How long a listener or cluster waits for it before it runs without; null: for ever.</summary>
    public TimeSpan? Patience { get; private init; }

    /// <summary>What the context needs it for.</summary>
    public required Secret.TypeOneofCase Kind { get; init; }

    /// <summary>Where the context names it, or holds it.</summary>
    public required FieldPath Path { get; init; }

    public static SecretSource Within(Secret secret, FieldPath path) => new() { Inline = secret, Kind = secret.TypeCase, Path = path };

    public static SecretSource Static(string name, Secret.TypeOneofCase kind, FieldPath path) => new() { Name = name, Kind = kind, Path = path };

    public static SecretSource Discovered(string name, Secret.TypeOneofCase kind, TimeSpan? patience, FieldPath path) =>
        new() { Name = name, Kind = kind, IsDynamic = true, Patience = patience, Path = path };
}
