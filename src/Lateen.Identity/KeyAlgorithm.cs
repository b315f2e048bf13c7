namespace Lateen.Identity;

/// <summary>The kinds of key that a workload makes for itself. The numbers are those of <c>key_type</c> in the proxy's bootstrap.</summary>
public enum KeyAlgorithm
{
    /// <summary>ECDSA over P-256: the default, a tenth of RSA's cost in a handshake.</summary>
    EcdsaP256 = 0,

    /// <summary>RSA of 2048 bits, for peers that know no other.</summary>
    Rsa2048 = 1,
}
