namespace Lateen.Proxy.Tls;

/// <summary>Who supplies a secret.</summary>
internal enum SecretOrigin
{
    /// <summary>It stands in the TLS context itself.</summary>
    Context,

    /// <summary>It stands in the bootstrap file and has a name.</summary>
    Bootstrap,

    /// <summary>The control plane is asked for it, by SDS.</summary>
    ControlPlane,

    /// <summary>It is what this proxy shows of itself, or what it trusts others of its mesh by: SDS of the cluster <c>sds-grpc</c>, which the proxy answers itself.</summary>
    Identity,
}
