namespace Lateen.Net.Certificates;

/// <summary>The kinds of key that are made here.</summary>
public enum CertificateKeyKind : byte
{
    /// <summary>ECDSA on P-256.</summary>
    P256,

    /// <summary>RSA of 2048 bits.</summary>
    Rsa2048,
}
