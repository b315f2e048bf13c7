using Google.Protobuf.WellKnownTypes;

namespace Lateen.Translation.MutualTls;

/// <summary>What an endpoint says of itself and a cluster looks for, to choose between mutual TLS and plaintext: Istio's <c>tlsMode: istio</c>.</summary>
internal static class MutualTlsMatch
{
    /// <summary>Where in an endpoint's metadata Envoy looks for it.</summary>
    public const string MetadataKey = "envoy.transport_socket_match";

    /// <summary>Istio's name of the transport of endpoints that say so.</summary>
    public const string IstioName = "tlsMode-istio";

    /// <summary>Istio's name of the transport of all others.</summary>
    public const string DisabledName = "tlsMode-disabled";

    public static Struct Istio() => new() { Fields = { ["tlsMode"] = Value.ForString("istio") } };
}
