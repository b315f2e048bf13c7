using Lateen.Net;

namespace Lateen.Proxy.Forwarding.Pools;

/// <summary>What a failed connect is called in <c>%UPSTREAM_TRANSPORT_FAILURE_REASON%</c> and in the body of a 503, as Envoy words it.</summary>
internal static class ConnectFailureText
{
    public static string Of(TransportError error) => error switch
    {
        TransportError.ConnectionRefused => "delayed connect error: Connection refused",
        TransportError.ConnectionReset => "delayed connect error: Connection reset by peer",
        TransportError.Unreachable => "immediate connect error: Network is unreachable",
        TransportError.AddressInvalid => "immediate connect error: Cannot assign requested address",
        TransportError.AccessDenied => "immediate connect error: Permission denied",
        TransportError.ResourceExhausted => "immediate connect error: Too many open files",
        TransportError.TimedOut => string.Empty,
        _ => "delayed connect error",
    };
}
