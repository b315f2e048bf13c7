using System.Diagnostics;

namespace Lateen.Http;

/// <summary>
/// How a request's path is brought to the one form that routing, policy, logs and the upstream all see. The three switches are those of
/// Envoy's HttpConnectionManager; <see cref="For"/> gives Istio's four levels in their terms. Immutable.
/// </summary>
/// <remarks>
/// Steps, in this order: escaped slashes by <see cref="EscapedSlashes"/>; then <see cref="Normalize"/> (<c>\</c> to <c>/</c>, escapes of
/// unreserved characters decoded once, dot segments removed, never above the root); then <see cref="MergeSlashes"/>. Case of hex digits
/// is not changed, as in Envoy. The query is never touched.
/// </remarks>
public sealed record PathPolicy
{
    /// <summary>Envoy's <c>normalize_path</c>.</summary>
    public bool Normalize { get; init; }

    /// <summary>Envoy's <c>merge_slashes</c>.</summary>
    public bool MergeSlashes { get; init; }

    /// <summary>Envoy's <c>path_with_escaped_slashes_action</c>.</summary>
    public EscapedSlashAction EscapedSlashes { get; init; }

    /// <summary>The path as it came: Envoy's default.</summary>
    public static PathPolicy None { get; } = new();

    /// <summary>True when no path would be changed or refused.</summary>
    public bool IsIdentity => !Normalize && !MergeSlashes && EscapedSlashes == EscapedSlashAction.KeepUnchanged;

    /// <summary>The switches that Istio sets for a level of its <c>pathNormalization</c>.</summary>
    public static PathPolicy For(PathNormalization level) => level switch
    {
        PathNormalization.None => None,
        PathNormalization.Base => new PathPolicy { Normalize = true },
        PathNormalization.MergeSlashes => new PathPolicy { Normalize = true, MergeSlashes = true },
        PathNormalization.DecodeAndMergeSlashes =>
            new PathPolicy { Normalize = true, MergeSlashes = true, EscapedSlashes = EscapedSlashAction.UnescapeAndForward },
        _ => throw new UnreachableException($"no such level: {level}"),
    };
}
