using System.Security.Cryptography;
using System.Text;
using Lateen.Net.Tls;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Listeners;

/// <summary>
/// One element of <c>x-forwarded-client-cert</c>: <c>By=URI;Hash=SHA-256;Cert="...";Chain="...";Subject="...";URI=URI;DNS=NAME</c>, in Envoy's order (docs, "x-forwarded-client-cert").
/// By is the name that the proxy showed, the others are the client's.
/// </summary>
/// <remarks>Names are freely chosen by whoever signs certificates: what would end a value, or an element, is quoted.</remarks>
internal static class ForwardedCertificateText
{
    /// <summary>Octets of an element. Hit: the key that would exceed it is left out, and those behind it that do not fit either. Servers refuse larger heads.</summary>
    public const int MaxOctets = 16 * 1024;

    /// <param name="session">What the handshake agreed on; null: no TLS.</param>
    /// <param name="connection">Where what was sent behind the leaf is read from; null: from nowhere.</param>
    /// <param name="fields">What is told beside By and Hash.</param>
    /// <returns>Empty without a verified certificate. Never a control character.</returns>
    public static byte[] Of(TlsSession? session, TlsConnection? connection, ClientCertificateFields fields)
    {
        if (session is not { IsPeerTrusted: true, PeerCertificate: { } certificate }) return [];
        var text = new StringBuilder();
        var octets = 0;
        foreach (var name in session.LocalCertificate?.SubjectAltNames ?? [])
        {
            if (name.Kind == SubjectAltNameKind.Uri) Add(text, ref octets, "By=", Plain(name.Value));
        }

        Add(text, ref octets, "Hash=", certificate.Sha256);
        if (fields.HasFlag(ClientCertificateFields.Certificate)) Add(text, ref octets, "Cert=", $"\"{Pem(certificate.Der)}\"");
        if (fields.HasFlag(ClientCertificateFields.Chain))
            Add(text, ref octets, "Chain=", $"\"{Pem(certificate.Der)}{string.Concat((connection?.ReadPeerIntermediates() ?? []).Select(Pem))}\"");

        // Both keys stand there also when there is nothing to say.
        if (fields.HasFlag(ClientCertificateFields.Subject)) Add(text, ref octets, "Subject=", Quoted(certificate.Subject));
        if (fields.HasFlag(ClientCertificateFields.Uri)) Add(text, ref octets, "URI=", Plain(certificate.FirstUri ?? string.Empty));
        if (fields.HasFlag(ClientCertificateFields.Dns))
        {
            foreach (var name in certificate.SubjectAltNames)
            {
                if (name.Kind == SubjectAltNameKind.Dns) Add(text, ref octets, "DNS=", Plain(name.Value));
            }
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Add(StringBuilder text, ref int octets, string key, string value)
    {
        var more = (octets > 0 ? 1 : 0) + key.Length + Encoding.UTF8.GetByteCount(value);
        if (octets + more > MaxOctets) return;
        octets += more;
        if (text.Length > 0) text.Append(';');
        text.Append(key).Append(value);
    }

    private static string Plain(string value) => value.AsSpan().IndexOfAny(",;=\"\\") < 0 ? Clean(value) : Quoted(value);

    /// <summary>Quotes that the text itself has escaped already, as RFC 2253 does, stay as they are.</summary>
    private static string Quoted(string value)
    {
        var quoted = new StringBuilder(value.Length + 2).Append('"');
        var isEscaped = false;
        foreach (var character in Clean(value))
        {
            if (character == '"' && !isEscaped) quoted.Append('\\');
            quoted.Append(character);
            isEscaped = character == '\\' && !isEscaped;
        }

        // A lone backslash at the end would escape the quote that ends the value.
        if (isEscaped) quoted.Append('\\');
        return quoted.Append('"').ToString();
    }

    private static string Clean(string value) => value.AsSpan().IndexOfAnyInRange('\0', '\x1F') < 0 && !value.Contains('\x7F')
        ? value
        : string.Create(value.Length, value, static (target, source) =>
        {
            for (var i = 0; i < source.Length; i++) target[i] = char.IsControl(source[i]) ? '?' : source[i];
        });

    private static string Pem(ReadOnlyMemory<byte> der) => Uri.EscapeDataString(PemEncoding.WriteString("CERTIFICATE", der.Span) + "\n");
}
