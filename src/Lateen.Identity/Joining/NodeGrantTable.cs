using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Lateen.Identity.Joining;

/// <summary>
/// What the operator granted to service accounts, kept longer than the join token by which it was said: certificates are renewed for years after the token is gone.
/// </summary>
/// <remarks>Thread-safe. Each change is given to <paramref name="save"/> before it counts: if that throws, nothing changed.</remarks>
/// <param name="save">Keeps the table across restarts. Called under the table's lock, so it sees changes in their order.</param>
public sealed class NodeGrantTable(IEnumerable<NodeGrant> grants, Action<NodeGrantFile> save)
{
    /// <summary>Grants of the whole mesh. Count. Hit: nothing is added until some account is forgotten.</summary>
    public const int MaxGrants = 10_000;

    /// <summary>Different grants of one account: its versions, say. Count. Hit: nothing is added until it is forgotten.</summary>
    public const int MaxOfAccount = 64;

    /// <summary>Labels of one grant. Count. Hit: it is refused.</summary>
    public const int MaxLabels = 64;

    /// <summary>Octets of a label's key and value together. Hit: it is refused. Kubernetes allows 253 + 1 + 63 and 63.</summary>
    public const int MaxLabelLength = 512;

    private readonly Lock _gate = new();
    private ImmutableDictionary<(string Namespace, string Account), ImmutableArray<NodeGrant>> _byAccount =
        grants.GroupBy(grant => (grant.Namespace, grant.ServiceAccount)).ToImmutableDictionary(group => group.Key, group => group.ToImmutableArray());

    /// <summary>Told after each change, on the thread that made it.</summary>
    public event Action? Changed;

    /// <summary>All grants, by namespace and account, each account's oldest first.</summary>
    public ImmutableArray<NodeGrant> All => InOrder(Volatile.Read(ref _byAccount));

    /// <summary>Another object after each change.</summary>
    public object Version => Volatile.Read(ref _byAccount);

    /// <summary>What was granted to an account; empty when nothing was.</summary>
    public ImmutableArray<NodeGrant> Of(string @namespace, string serviceAccount) =>
        Volatile.Read(ref _byAccount).GetValueOrDefault((@namespace, serviceAccount), []);

    /// <summary>Adds a grant; one that is there already is not added again.</summary>
    /// <returns>False with the reason when a bound is hit or a name cannot stand in an identity.</returns>
    public bool TryAdd(NodeGrant grant, [NotNullWhen(false)] out string? reason)
    {
        ArgumentNullException.ThrowIfNull(grant);
        if (!SpiffeId.TryCreate(TrustDomain.Default, grant.Namespace, grant.ServiceAccount, out _, out reason)) return false;
        if (grant.Labels.Count > MaxLabels) reason = $"a workload has up to {MaxLabels} labels";
        else if (grant.Labels.Any(label => label.Value is null || label.Key.Length + label.Value.Length > MaxLabelLength)) reason = $"a label has a value, and up to {MaxLabelLength} characters";
        if (reason is not null) return false;
        lock (_gate)
        {
            var own = Of(grant.Namespace, grant.ServiceAccount);
            if (own.Contains(grant)) return true;
            if (own.Length >= MaxOfAccount) reason = $"{MaxOfAccount} different sets of labels were granted to {grant.Namespace}/{grant.ServiceAccount}; forget them, and grant what is still true";
            else if (_byAccount.Values.Sum(static all => all.Length) >= MaxGrants) reason = $"{MaxGrants} grants are out; forget accounts that are gone";
            if (reason is not null) return false;
            Commit(_byAccount.SetItem((grant.Namespace, grant.ServiceAccount), own.Add(grant)));
        }

        Changed?.Invoke();
        return true;
    }

    /// <summary>Takes back all that was granted to an account.</summary>
    /// <returns>False when nothing was.</returns>
    public bool Remove(string @namespace, string serviceAccount)
    {
        lock (_gate)
        {
            if (Of(@namespace, serviceAccount).IsEmpty) return false;
            Commit(_byAccount.Remove((@namespace, serviceAccount)));
        }

        Changed?.Invoke();
        return true;
    }

    /// <summary>The bytes of the file.</summary>
    public static byte[] ToJson(NodeGrantFile file) => JsonSerializer.SerializeToUtf8Bytes(file, IdentityJson.Default.NodeGrantFile);

    /// <returns>Null with the reason when the bytes are no file of grants.</returns>
    public static NodeGrantFile? Read(ReadOnlySpan<byte> json, out string? reason)
    {
        reason = "it is damaged, or no file of grants";
        try
        {
            var file = JsonSerializer.Deserialize(json, IdentityJson.Default.NodeGrantFile);
            if (file is not { Version: 1, Grants: not null } || file.Grants.Any(static grant => grant is not { Namespace: not null, ServiceAccount: not null, Labels: not null })) return null;
            reason = null;
            // The serializer orders keys by the culture's rules.
            return file with { Grants = [.. file.Grants.Select(static grant => grant with { Labels = new SortedDictionary<string, string>(grant.Labels, StringComparer.Ordinal) })] };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ImmutableArray<NodeGrant> InOrder(ImmutableDictionary<(string Namespace, string Account), ImmutableArray<NodeGrant>> grants) =>
        [.. grants.OrderBy(pair => pair.Key.Namespace, StringComparer.Ordinal).ThenBy(pair => pair.Key.Account, StringComparer.Ordinal).SelectMany(pair => pair.Value)];

    private void Commit(ImmutableDictionary<(string, string), ImmutableArray<NodeGrant>> next)
    {
        // Order matters: kept first. What counts and is forgotten at a restart would cut a gateway off.
        save(new NodeGrantFile(1, InOrder(next)));
        Volatile.Write(ref _byAccount, next);
    }
}
