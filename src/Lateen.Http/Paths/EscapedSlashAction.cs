namespace Lateen.Http;

/// <summary>What to do with <c>%2F</c> and <c>%5C</c> in a path: Envoy's <c>path_with_escaped_slashes_action</c>.</summary>
public enum EscapedSlashAction : byte
{
    /// <summary>Leave them escaped.</summary>
    KeepUnchanged = 0,

    /// <summary>Answer 400.</summary>
    RejectRequest,

    /// <summary>Decode them, and tell the caller to redirect the client to the normalised path (<see cref="HttpRequestHead.WantsPathRedirect"/>).</summary>
    UnescapeAndRedirect,

    /// <summary>Decode them and go on.</summary>
    UnescapeAndForward,
}
