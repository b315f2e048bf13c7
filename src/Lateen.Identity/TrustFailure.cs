namespace Lateen.Identity;

/// <summary>Why a certificate is not believed.</summary>
public enum TrustFailure
{
    None,

    /// <summary>The leaf carries no identity of the mesh, or more than one.</summary>
    NoIdentity,

    /// <summary>Its trust domain is none of the bundle's.</summary>
    ForeignTrustDomain,

    /// <summary>A certificate of the chain is past its end.</summary>
    Expired,

    /// <summary>A certificate of the chain has not begun: most often a clock that is wrong.</summary>
    NotYetValid,

    /// <summary>No root of the bundle stands behind it, or a signature is wrong.</summary>
    UnknownAuthority,

    /// <summary>The chain holds, but a certificate in it is not for this: an authority shown as a leaf, a leaf that signs.</summary>
    WrongPurpose,
}
