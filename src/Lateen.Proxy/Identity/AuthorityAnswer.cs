using System.Collections.Immutable;

namespace Lateen.Proxy.Identity;

/// <summary>What came of asking the certificate authority.</summary>
/// <param name="Chain">PEM of the leaf, its intermediates and the roots, as they came; empty: it gave none.</param>
/// <param name="Reason">Why it gave none; empty otherwise. Holds neither token nor key.</param>
/// <param name="IsRefusal">The authority itself said no to who asks, rather than not being reached.</param>
internal readonly record struct AuthorityAnswer(ImmutableArray<string> Chain, string Reason, bool IsRefusal)
{
    public static AuthorityAnswer Failed(string reason, bool isRefusal = false) => new([], reason, isRefusal);
}
