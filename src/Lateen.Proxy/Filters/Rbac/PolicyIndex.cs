using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>
/// Of many policies, those that can fit at all: most ask for one of a few exact paths, or for one of a few exact names of the peer, and a look-up
/// finds the ones that ask for what the subject has. The rest is tried always.
/// </summary>
/// <remarks>
/// Every candidate is still tried in full, and the first by order wins, so the index changes no verdict. It knows one reading of a path; a
/// request with more is judged without it. Immutable; a look-up allocates nothing.
/// </remarks>
internal sealed class PolicyIndex
{
    /// <summary>Below this many policies trying them all is as fast. Count.</summary>
    private const int WorthwhileFrom = 8;

    private readonly FrozenDictionary<byte[], int[]>.AlternateLookup<ReadOnlySpan<byte>> _byPath;
    private readonly FrozenDictionary<byte[], int[]>.AlternateLookup<ReadOnlySpan<byte>> _byName;
    private readonly int[] _rest;

    private PolicyIndex(Dictionary<byte[], List<int>> byPath, Dictionary<byte[], List<int>> byName, int[] rest)
    {
        _byPath = Freeze(byPath);
        _byName = Freeze(byName);
        _rest = rest;
    }

    /// <returns>Null when an index would not help.</returns>
    public static PolicyIndex? TryBuild(ImmutableArray<RbacPolicy> policies)
    {
        var byPath = new Dictionary<byte[], List<int>>(ByteTextComparer.Instance);
        var byName = new Dictionary<byte[], List<int>>(ByteTextComparer.Instance);
        var rest = new List<int>();
        for (int i = 0; i < policies.Length; i++)
        {
            Condition condition = policies[i].Condition;
            // The rarer fact leaves fewer candidates: a peer has one name, and a path is asked for by many.
            if (condition.ExactNames is { } names && (condition.ExactPaths is not { } others || names.Count <= others.Count)) Add(byName, names, i);
            else if (condition.ExactPaths is { } paths) Add(byPath, paths, i);
            else rest.Add(i);
        }

        return policies.Length - rest.Count < WorthwhileFrom ? null : new PolicyIndex(byPath, byName, [.. rest]);
    }

    /// <summary>The first policy that fits, or -1.</summary>
    public int Find(ImmutableArray<RbacPolicy> policies, in AuthorizationSubject subject)
    {
        int first = policies.Length;
        if (subject.Request is { } request && _byPath.TryGetValue(request.Path, out int[]? byPath)) Try(byPath, policies, subject, ref first);
        if (subject.Peer is { } peer)
        {
            foreach (ReadOnlyMemory<byte> name in peer.Uris) Try(name.Span, policies, subject, ref first);
            foreach (ReadOnlyMemory<byte> name in peer.HostNames) Try(name.Span, policies, subject, ref first);
            Try(peer.Subject.Span, policies, subject, ref first);
        }

        Try(_rest, policies, subject, ref first);
        return first == policies.Length ? -1 : first;
    }

    private void Try(ReadOnlySpan<byte> name, ImmutableArray<RbacPolicy> policies, in AuthorizationSubject subject, ref int first)
    {
        if (_byName.TryGetValue(name, out int[]? byName)) Try(byName, policies, subject, ref first);
    }

    /// <summary>Candidates are in ascending order; those behind the first that was found need not be tried.</summary>
    private static void Try(int[] candidates, ImmutableArray<RbacPolicy> policies, in AuthorizationSubject subject, ref int first)
    {
        foreach (int candidate in candidates)
        {
            if (candidate >= first) return;
            if (!policies[candidate].Condition.IsMatch(subject)) continue;
            first = candidate;
            return;
        }
    }

    private static void Add(Dictionary<byte[], List<int>> lists, IReadOnlyList<byte[]> keys, int policy)
    {
        foreach (byte[] key in keys)
        {
            if (!lists.TryGetValue(key, out List<int>? list)) lists.Add(key, list = []);
            if (list.Count == 0 || list[^1] != policy) list.Add(policy);
        }
    }

    private static FrozenDictionary<byte[], int[]>.AlternateLookup<ReadOnlySpan<byte>> Freeze(Dictionary<byte[], List<int>> lists) =>
        lists.ToFrozenDictionary(static one => one.Key, static one => one.Value.ToArray(), ByteTextComparer.Instance).GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>Bytes by content, so that a span finds an array.</summary>
    private sealed class ByteTextComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly ByteTextComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => ByteKey.Hash(alternate).GetHashCode();

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
