using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Lateen.Model.Networking;

/// <summary>
/// Puts the routes of delegates in the place of the root routes that name them. A delegate's match must be a subset of the root's; the
/// combinations that are not are dropped, and a root route whose delegate is missing or invisible is dropped whole (Istio's rules).
/// One level: a delegate's own delegates are not followed.
/// </summary>
internal static class DelegateMerge
{
    public static ImmutableArray<HttpRoute> Merge(
        Resource<VirtualService> root, MeshConfig mesh, Func<string, string, Resource<VirtualService>?> findDelegate)
    {
        var merged = ImmutableArray.CreateBuilder<HttpRoute>();
        foreach (var route in root.Spec.Http)
        {
            if (route.Delegate is not { } reference)
            {
                merged.Add(route);
                continue;
            }

            if (findDelegate(reference.Namespace ?? root.Namespace, reference.Name) is not { } target) continue;
            var visibility = ExportScope.Resolve(target.Spec.ExportTo, mesh.DefaultVirtualServiceExportTo, target.Namespace);
            if (target.Spec.Hosts.Length > 0 || !visibility.IsVisibleTo(root.Namespace)) continue;
            foreach (var inner in target.Spec.Http)
            {
                if (inner.Delegate is not null) continue;
                var whole = VirtualServiceBinding.ResolveIn(inner, target.Namespace, mesh.ClusterDomain);
                if (TryCombine(route, whole, out var combined)) merged.Add(combined);
            }
        }

        return merged.ToImmutable();
    }

    private static bool TryCombine(HttpRoute root, HttpRoute inner, [NotNullWhen(true)] out HttpRoute? combined)
    {
        combined = null;
        var matches = ImmutableArray.CreateBuilder<HttpMatchRequest>();
        if (root.Match.IsEmpty)
        {
            matches.AddRange(inner.Match);
        }
        else if (inner.Match.IsEmpty)
        {
            matches.AddRange(root.Match);
        }
        else
        {
            foreach (var outer in root.Match)
                foreach (var candidate in inner.Match)
                    if (TryCombine(outer, candidate, out var match)) matches.Add(match);
            if (matches.Count == 0) return false;
        }

        combined = inner with
        {
            Match = matches.ToImmutable(),
            Name = Join(root.Name, inner.Name),
            Rewrite = inner.Rewrite ?? root.Rewrite,
            Timeout = inner.Timeout ?? root.Timeout,
            Retries = inner.Retries ?? root.Retries,
            Fault = inner.Fault ?? root.Fault,
            Mirror = inner.Mirror ?? (inner.Mirrors.IsEmpty ? root.Mirror : null),
            MirrorPercentage = inner.MirrorPercentage ?? root.MirrorPercentage,
            Mirrors = inner.Mirrors.IsEmpty && inner.Mirror is null ? root.Mirrors : inner.Mirrors,
            CorsPolicy = inner.CorsPolicy ?? root.CorsPolicy,
            Headers = inner.Headers ?? root.Headers,
        };
        return true;
    }

    private static bool TryCombine(HttpMatchRequest root, HttpMatchRequest inner, [NotNullWhen(true)] out HttpMatchRequest? match)
    {
        match = null;
        if (!TryNarrow(root.Uri, inner.Uri, out var uri) || !TryNarrow(root.Scheme, inner.Scheme, out var scheme)
            || !TryNarrow(root.Method, inner.Method, out var method) || !TryNarrow(root.Authority, inner.Authority, out var authority)
            || !TryNarrow(root.Headers, inner.Headers, out var headers)
            || !TryNarrow(root.WithoutHeaders, inner.WithoutHeaders, out var withoutHeaders)
            || !TryNarrow(root.QueryParams, inner.QueryParams, out var queryParams)
            || !TryAgree(root.Port, inner.Port, out var port)
            || !TryAgree(root.SourceNamespace, inner.SourceNamespace, out var sourceNamespace)
            || root.SourceLabels.Any(label => inner.SourceLabels.TryGetValue(label.Key, out var other) && other != label.Value)
            || !TryIntersectGateways(root.Gateways, inner.Gateways, out var gateways))
            return false;

        match = inner with
        {
            Name = Join(root.Name, inner.Name),
            Uri = uri,
            Scheme = scheme,
            Method = method,
            Authority = authority,
            Headers = headers,
            WithoutHeaders = withoutHeaders,
            QueryParams = queryParams,
            IgnoreUriCase = root.IgnoreUriCase || inner.IgnoreUriCase,
            Port = port,
            SourceNamespace = sourceNamespace,
            SourceLabels = root.SourceLabels.Concat(inner.SourceLabels.Where(label => !root.SourceLabels.ContainsKey(label.Key))).ToStringMap(),
            Gateways = gateways,
            StatPrefix = inner.StatPrefix ?? root.StatPrefix,
        };
        return true;
    }

    private static string? Join(string? root, string? inner) => root is null ? inner : inner is null ? root : $"{root}-{inner}";

    /// <summary>The narrower of two conditions; false when the inner one is not within the outer one.</summary>
    private static bool TryNarrow(StringMatch? root, StringMatch? inner, out StringMatch? result)
    {
        result = inner ?? root;
        return root is not { } outer || inner is not { } narrow || IsWithin(outer, narrow);
    }

    private static bool IsWithin(StringMatch outer, StringMatch inner)
    {
        if (outer == inner || outer.IsPresence) return true;
        return outer.Kind == StringMatchKind.Prefix && inner.Kind is StringMatchKind.Exact or StringMatchKind.Prefix
            && inner.Value.StartsWith(outer.Value, StringComparison.Ordinal);
    }

    private static bool TryNarrow(StringMap<StringMatch> root, StringMap<StringMatch> inner, out StringMap<StringMatch> result)
    {
        result = inner;
        if (root.Count == 0) return true;
        var entries = new Dictionary<string, StringMatch>();
        foreach (var (name, condition) in root)
        {
            StringMatch? narrow = inner.TryGetValue(name, out var own) ? own : null;
            if (!TryNarrow(condition, narrow, out var combined)) return false;
            entries[name] = combined!.Value;
        }

        foreach (var (name, condition) in inner) entries.TryAdd(name, condition);
        result = entries.ToStringMap();
        return true;
    }

    private static bool TryAgree<T>(T? root, T? inner, out T? result)
    {
        result = inner ?? root;
        return root is null || inner is null || EqualityComparer<T>.Default.Equals(root, inner);
    }

    private static bool TryIntersectGateways(ImmutableArray<string> root, ImmutableArray<string> inner, out ImmutableArray<string> result)
    {
        result = root.IsEmpty ? inner : inner.IsEmpty ? root : [.. inner.Where(root.Contains)];
        return root.IsEmpty || inner.IsEmpty || result.Length > 0;
    }
}
