using System.Runtime.CompilerServices;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Routing;

/// <summary>
/// Finds the first matching route of a virtual host with many routes without trying them all. A compressed trie over the literal
/// beginnings of their paths gives, for a request, the few routes whose literal fits; they and those without a literal (expressions,
/// ignored case) are merged in configuration order, and each candidate is still tried in full.
/// </summary>
/// <remarks>
/// First match wins, so order is everything: every list is ascending and the merge always takes the smallest route number left. The index
/// only leaves out routes that cannot match; a wrong index can therefore cost a route but never pick a later one over an earlier
/// candidate. Immutable.
/// </remarks>
internal sealed class RouteIndex
{
    /// <summary>Below this many routes trying them in order is faster than walking the trie.</summary>
    public const int WorthwhileFrom = 24;

    /// <summary>
    /// Lists that one request may have to merge: literals nested in each other, the exact one, and the routes without a literal. Routes
    /// that nest deeper are tried in order instead; it does not happen by accident.
    /// </summary>
    private const int MaxLists = 32;

    private readonly Node _root;
    private readonly int[] _unindexed;

    private RouteIndex(Node root, int[] unindexed)
    {
        _root = root;
        _unindexed = unindexed;
    }

    /// <summary>An index, or null when the routes nest too deeply for one.</summary>
    public static RouteIndex? TryBuild(ReadOnlySpan<RouteMatcher> matchers)
    {
        var root = new Node([]);
        var unindexed = new List<int>();
        for (var route = 0; route < matchers.Length; route++)
        {
            var path = matchers[route].Path;
            if (path.IndexKey is not { } key) unindexed.Add(route);
            else root.Insert(key, route, path.IsExact);
        }

        return root.DeepestLists() + 2 > MaxLists ? null : new RouteIndex(root, [.. unindexed]);
    }

    /// <summary>The number of the first route that matches, or -1.</summary>
    public int Find(RouteMatcher[] matchers, in RequestView request, ReactorRandom random)
    {
        var lists = default(CandidateLists);
        var count = 0;
        if (_unindexed.Length > 0) lists[count++] = _unindexed;
        Collect(request.Path, ref lists, ref count);

        Span<int> heads = stackalloc int[MaxLists];
        heads = heads[..count];
        heads.Clear();
        while (true)
        {
            var best = -1;
            var route = int.MaxValue;
            for (var i = 0; i < count; i++)
            {
                if (heads[i] >= lists[i].Length || lists[i][heads[i]] >= route) continue;
                route = lists[i][heads[i]];
                best = i;
            }

            if (best < 0) return -1;
            if (matchers[route].IsMatch(request, random)) return route;
            heads[best]++;
        }
    }

    private void Collect(ReadOnlySpan<byte> path, ref CandidateLists lists, ref int count)
    {
        var node = _root;
        while (true)
        {
            if (node.Prefixes.Length > 0) lists[count++] = node.Prefixes;
            if (path.IsEmpty)
            {
                if (node.Exacts.Length > 0) lists[count++] = node.Exacts;
                return;
            }

            if (node.Child(path[0]) is not { } child || !path.StartsWith(child.Label)) return;
            path = path[child.Label.Length..];
            node = child;
        }
    }

    [InlineArray(MaxLists)]
    private struct CandidateLists
    {
        private int[] _first;
    }

    private sealed class Node(byte[] label)
    {
        private readonly List<Node> _children = [];

        public byte[] Label { get; private set; } = label;

        public int[] Prefixes { get; private set; } = [];

        public int[] Exacts { get; private set; } = [];

        public Node? Child(byte first)
        {
            foreach (var child in _children)
            {
                if (child.Label[0] == first) return child;
            }

            return null;
        }

        public int DeepestLists()
        {
            var deepest = 0;
            foreach (var child in _children) deepest = Math.Max(deepest, child.DeepestLists());
            return deepest + (Prefixes.Length > 0 ? 1 : 0);
        }

        public void Insert(ReadOnlySpan<byte> key, int route, bool isExact)
        {
            if (key.IsEmpty)
            {
                if (isExact) Exacts = [.. Exacts, route];
                else Prefixes = [.. Prefixes, route];
                return;
            }

            if (Child(key[0]) is not { } child)
            {
                child = new Node(key.ToArray());
                _children.Add(child);
                child.Insert([], route, isExact);
                return;
            }

            var shared = key.CommonPrefixLength(child.Label);
            if (shared < child.Label.Length)
            {
                // Split: the shared part becomes the child, what was there hangs below it.
                var upper = new Node(child.Label[..shared]);
                child.Label = child.Label[shared..];
                upper._children.Add(child);
                _children[_children.IndexOf(child)] = upper;
                child = upper;
            }

            child.Insert(key[shared..], route, isExact);
        }
    }
}
