namespace Lateen.Identity.Joining;

/// <summary>
/// What the operator said of the proxies of one service account: a certificate proves the account, and this says what its proxies may claim beyond it. Immutable.
/// </summary>
/// <param name="IsGateway">They may be gateways.</param>
/// <param name="Labels">The labels that they may carry, all or some of them.</param>
public sealed record NodeGrant(string Namespace, string ServiceAccount, bool IsGateway, SortedDictionary<string, string> Labels)
{
    public bool Equals(NodeGrant? other) =>
        other is not null && IsOf(other.Namespace, other.ServiceAccount) && IsGateway == other.IsGateway && Labels.SequenceEqual(other.Labels);

    public override int GetHashCode() => HashCode.Combine(Namespace, ServiceAccount, IsGateway, Labels.Count);

    internal bool IsOf(string @namespace, string serviceAccount) => Namespace == @namespace && ServiceAccount == serviceAccount;
}

/// <summary>The file of grants.</summary>
public sealed record NodeGrantFile(int Version, IReadOnlyList<NodeGrant> Grants);
