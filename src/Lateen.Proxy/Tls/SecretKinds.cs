using Envoy.Extensions.TransportSockets.Tls.V3;

namespace Lateen.Proxy.Tls;

/// <summary>Kinds of secrets in the words of the configuration.</summary>
internal static class SecretKinds
{
    public static string NameOf(Secret.TypeOneofCase kind) => kind switch
    {
        Secret.TypeOneofCase.TlsCertificate => "tls_certificate",
        Secret.TypeOneofCase.ValidationContext => "validation_context",
        Secret.TypeOneofCase.SessionTicketKeys => "session_ticket_keys",
        _ => "secret without content",
    };
}
