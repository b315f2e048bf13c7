namespace Lateen.Proxy.Filters.Rbac;

/// <summary>
/// One test of an access rule (a permission or a principal), compiled. And, or and not are tests too.
/// </summary>
/// <remarks>
/// <para>Some facts about a request can be read in more than one way (a path with an escaped slash, a header that is there twice). A test
/// is compiled for the place where it stands: where it helps to allow, it holds only if it holds in every reading; where it helps to deny,
/// it holds if it does in any. <c>not</c> turns that round. So an ambiguous request is never allowed by one reading and served by
/// another.</para>
/// <para>Immutable, shared by all reactors, allocates nothing.</para>
/// </remarks>
internal abstract class Condition
{
    /// <summary>What the test costs, as a rank: cheap ones are tried first, which changes no verdict.</summary>
    public abstract int Cost { get; }

    /// <summary>Paths of which one must be the request's, as it is sent, for the test to hold; null when nothing can be said.</summary>
    public virtual IReadOnlyList<byte[]>? ExactPaths => null;

    /// <summary>Names of which one must be the peer's for the test to hold; null when nothing can be said.</summary>
    public virtual IReadOnlyList<byte[]>? ExactNames => null;

    public abstract bool IsMatch(in AuthorizationSubject subject);
}
