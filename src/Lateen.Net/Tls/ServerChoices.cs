using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>What a server makes of a client's greeting: the name, the certificates to show, the application protocol.</summary>
internal static class ServerChoices
{
    /// <summary>Kinds of keys of which a certificate each may be shown for one name. Count; there are RSA, EC and the two of RFC 8032.</summary>
    private const int MaxKinds = 8;

    /// <summary>The name in the server_name extension, lower case; null when there is none that is fit to be one.</summary>
    internal static string? ReadServerName(ReadOnlySpan<byte> content, TlsServerContext context)
    {
        // ServerNameList with one host_name: length, type, length, name. OpenSSL refuses what is malformed when it comes to parse it.
        if (content.Length <= 5 || content[2] != 0)
            return null;
        var name = content[5..];
        var isName = name.Length == (content[3] << 8 | content[4]) && name.Length <= ClientHello.MaxServerNameBytes
            && !name.ContainsAnyExceptInRange((byte)'!', (byte)'~');
        return isName ? context.ServerNameOf(name) : null;
    }

    /// <summary>Gives the connection the certificates for a name instead of the context's default ones. False: OpenSSL has no memory.</summary>
    internal static bool ShowCertificates(nint ssl, TlsServerContext context, string serverName)
    {
        Span<int> chosen = stackalloc int[MaxKinds];
        var count = context.ChooseCertificates(serverName, chosen);
        if (count == 0)
            return true;
        LibSsl.ClearCertificates(ssl);
        foreach (var index in chosen[..count])
        {
            var certificate = context.Handle.Certificates[index];
            if (LibSsl.UseConnectionCertificateAndKey(ssl, certificate.Certificate, certificate.Key, certificate.Chain, 1) != 1)
                return false;
        }

        return true;
    }

    /// <summary>Where in the client's ProtocolNameList the first of ours that it has stands; -1 when none does.</summary>
    internal static int FindProtocol(AlpnProtocol[] ours, ReadOnlySpan<byte> offered)
    {
        foreach (var protocol in ours)
        {
            for (var at = 0; at < offered.Length; at += 1 + offered[at])
            {
                if (offered.Length - at - 1 >= offered[at] && offered.Slice(at + 1, offered[at]).SequenceEqual(protocol.Bytes))
                    return at;
            }
        }

        return -1;
    }
}
