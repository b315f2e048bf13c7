using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>Sorts what OpenSSL's error queue and alerts say into <see cref="TlsFailureCause"/>. Numbers are those of sslerr.h and RFC 8446 6.</summary>
internal static unsafe class TlsErrors
{
    private const int AlertMax = 255;

    internal static TlsFailure Explain(nuint error)
    {
        if (OpenSsl.LibraryOf(error) != LibCrypto.LibrarySsl)
            return new TlsFailure(TlsFailureCause.Other, OpenSsl.Describe(error));
        var reason = OpenSsl.ReasonOf(error);
        if (reason is > LibSsl.AlertReasonOffset and <= LibSsl.AlertReasonOffset + AlertMax)
            return ExplainAlert(reason - LibSsl.AlertReasonOffset);
        return reason switch
        {
            155 or 156 => new(TlsFailureCause.NotTls, "the peer speaks plain HTTP"),
            116 or 252 or 267 or 443 => new(TlsFailureCause.NotTls, "the peer does not speak TLS"),
            193 => new(TlsFailureCause.NoSharedCipher, "no cipher suite in common"),
            101 or 295 or 410 => new(TlsFailureCause.NoSharedCipher, "no key exchange group in common"),
            118 or 376 => new(TlsFailureCause.NoSharedCipher, "no signature algorithm in common"),
            191 or 258 or 266 or 396 => new(TlsFailureCause.NoSharedVersion, "no protocol version in common"),
            199 => new(TlsFailureCause.NoClientCertificate, "the client shows no certificate"),
            235 => new(TlsFailureCause.AlpnMismatch, "no application protocol in common"),
            294 => new(TlsFailureCause.PeerClosed, "the peer ended the connection without saying so"),
            _ => new(TlsFailureCause.ProtocolViolation, $"protocol violation: {OpenSsl.Describe(error)}"),
        };
    }

    private static TlsFailure ExplainAlert(int alert) => alert switch
    {
        70 => new(TlsFailureCause.NoSharedVersion, "the peer refuses the protocol version", alert),
        71 => new(TlsFailureCause.NoSharedCipher, "the peer finds the cipher suites too weak", alert),
        116 => new(TlsFailureCause.NoClientCertificate, "the peer requires a certificate", alert),
        120 => new(TlsFailureCause.AlpnMismatch, "the peer has no application protocol in common", alert),
        _ => new(TlsFailureCause.PeerAlert, $"the peer refuses: {OpenSsl.Text(LibSsl.AlertName(alert))} (alert {alert})", alert),
    };
}
