using System.Collections.Immutable;

namespace Lateen.Xds.Server;

/// <summary>How far one type has got on one stream.</summary>
/// <param name="TypeUrl">The type.</param>
/// <param name="Subscribed">Names asked for; -1 for all of them.</param>
/// <param name="SentRevision">Newest view revision of which this type has been sent whole. 0: nothing yet.</param>
/// <param name="AcknowledgedRevision">Newest view revision of which this type has been accepted whole.</param>
/// <param name="Responses">Responses of this type that went out on the stream. A type that is up to date grows in revision without one.</param>
/// <param name="RejectionReason">The proxy's words when its last answer was a refusal; null when it was not.</param>
public sealed record XdsTypeStatus(string TypeUrl, int Subscribed, long SentRevision, long AcknowledgedRevision, long Responses, string? RejectionReason)
{
    public bool IsRejected => RejectionReason is not null;
}

/// <summary>How far one stream has got. Immutable; a new one is made with every change.</summary>
/// <param name="WantedRevision">Revision of the view that the stream was given last.</param>
/// <param name="Types">The types that the proxy subscribed to, in the order of <see cref="XdsTypeUrls.InOrder"/>.</param>
public sealed record XdsStreamStatus(long WantedRevision, ImmutableArray<XdsTypeStatus> Types)
{
    public static XdsStreamStatus None { get; } = new(0, []);

    /// <summary>
    /// The revision that the proxy serves whole: every type it subscribed to was acknowledged at it or later. 0 before the first
    /// acknowledgement. Who subscribes to nothing (a gRPC client between two channels) has nothing to wait for. This is what
    /// <c>apply --wait</c> waits for.
    /// </summary>
    public long ServedRevision => Types.IsEmpty ? WantedRevision : Types.Min(static type => type.AcknowledgedRevision);

    public bool HasRejection => Types.Any(static type => type.IsRejected);
}
