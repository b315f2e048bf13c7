using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>A certificate, its key and its chain in OpenSSL's memory, and what of it serves the choice by name.</summary>
internal sealed unsafe class LoadedCertificate
{
    /// <summary>Certificates in one chain. Count. Hit: an error. Real chains have up to 5.</summary>
    private const int MaxChain = 32;

    /// <summary>Octets of a key's password.</summary>
    private const int MaxPasswordBytes = 1024;

    private nint _chain;

    private LoadedCertificate(nint certificate, nint key, nint chain, TlsCertificate details)
    {
        Certificate = certificate;
        Key = key;
        _chain = chain;
        KeyKind = LibCrypto.KeyKind(key);
        Details = details;
    }

    internal nint Certificate { get; private set; }

    internal nint Key { get; private set; }

    internal nint Chain => _chain;

    /// <summary>OpenSSL's number of the kind of key: RSA, EC, Ed25519.</summary>
    internal int KeyKind { get; }

    internal TlsCertificate Details { get; }

    /// <summary>Reads and checks a certificate and its key; null and a text when they are not good.</summary>
    internal static LoadedCertificate? Load(TlsCertificateOptions options, out string? error)
    {
        var certificates = Pem.ReadCertificates(options.CertificateChainPem.Span, isTrustAnchor: false, MaxChain, out error);
        if (error is null && certificates.Count == 0)
            error = "certificate chain: no certificate in the PEM";
        if (error is not null)
        {
            error = error.StartsWith("certificate chain", StringComparison.Ordinal) ? error : $"certificate chain: {error}";
            Pem.Free(certificates);
            return null;
        }

        nint key = 0;
        if (options.Password.Length > MaxPasswordBytes)
            error = $"private key: the password exceeds {MaxPasswordBytes} octets";
        else
            key = Pem.ReadPrivateKey(options.PrivateKeyPem.Span, options.Password.Span, out error);
        if (error is null && LibCrypto.CheckPrivateKey(certificates[0], key) != 1)
        {
            OpenSsl.TakeError();
            error = $"private key: is not the key of the certificate {CertificateReader.SubjectOf(certificates[0])}";
        }

        if (error is not null)
        {
            LibCrypto.FreeKey(key);
            Pem.Free(certificates);
            return null;
        }

        var chain = LibCrypto.NewStack();
        for (var i = 1; i < certificates.Count; i++)
            LibCrypto.Push(chain, certificates[i]);
        return new LoadedCertificate(certificates[0], key, chain, CertificateReader.Read(certificates[0]));
    }

    /// <summary>0: the name is not covered; 1: by a wildcard; 2: exactly.</summary>
    internal int MatchOf(string serverName)
    {
        var best = 0;
        foreach (var name in Details.SubjectAltNames)
        {
            if (name.Kind != SubjectAltNameKind.Dns)
                continue;
            if (name.Value.Equals(serverName, StringComparison.OrdinalIgnoreCase))
                return 2;
            if (DnsName.Matches(name.Value, serverName))
                best = 1;
        }

        return best;
    }

    internal void Free()
    {
        for (var i = LibCrypto.StackCount(_chain) - 1; i >= 0; i--)
            LibCrypto.FreeCertificate(LibCrypto.StackItem(_chain, i));
        LibCrypto.FreeStack(_chain);
        LibCrypto.FreeCertificate(Certificate);
        LibCrypto.FreeKey(Key);
        (_chain, Certificate, Key) = (0, 0, 0);
    }
}
