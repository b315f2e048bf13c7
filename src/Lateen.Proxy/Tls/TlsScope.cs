namespace Lateen.Proxy.Tls;

/// <summary>What a TLS context may refer to while it is compiled.</summary>
/// <param name="StaticSecret">The content of a secret of the bootstrap file; null when there is none of that name.</param>
/// <param name="ControlPlaneCluster">The cluster behind <c>dynamic_resources.ads_config</c>; null without a control plane.</param>
/// <param name="TicketKeys">Session ticket keys of contexts that are given none.</param>
internal sealed record TlsScope(Func<string, SecretContent?> StaticSecret, Func<string?> ControlPlaneCluster, TicketKeyring TicketKeys)
{
    /// <summary>For contexts that stand alone: they may refer to nothing.</summary>
    public static TlsScope Closed { get; } = new(static _ => null, static () => null, new TicketKeyring(TimeProvider.System));

    /// <summary>The trust domain of the proxy's identity, which answers for <c>sds-grpc</c>; null: it has none.</summary>
    public Func<string?> TrustDomain { get; init; } = static () => null;
}
