namespace Lateen.Net.Signatures;

/// <summary>What a public key is: it decides which algorithms may be verified with it, and no other may.</summary>
public enum SignatureKeyKind : byte
{
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
}
