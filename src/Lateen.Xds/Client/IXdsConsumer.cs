using System.Collections.Immutable;

namespace Lateen.Xds.Client;

/// <summary>
/// Whoever runs the configuration that an xDS client fetches. It is told what changed and answers, resource by resource,
/// what it cannot take; the client acknowledges or refuses accordingly and never asks for the same content twice.
/// </summary>
/// <remarks>
/// Calls come one at a time, from the client's own task. What the consumer holds is its own: the client keeps names and versions, and a
/// lost connection takes nothing away.
/// </remarks>
public interface IXdsConsumer
{
    /// <summary>
    /// Applies one response. Good resources take effect, each bad one is left at its last good version and returned with its reason.
    /// Subscriptions that the new resources call for (the endpoints of a cluster, the routes of a listener) should be asked of the
    /// client before this completes: they then reach the server ahead of the acknowledgement, and a server that breaks nothing before
    /// it makes the replacement waits for that.
    /// </summary>
    /// <returns>The refused resources; empty or null when all is well.</returns>
    ValueTask<IReadOnlyList<XdsRejection>?> ApplyAsync(XdsUpdate update, CancellationToken cancellationToken);

    /// <summary>
    /// Completes when what the update applied last brought is in force, or never will be (something newer took its place), or has kept
    /// everybody waiting for too long. Only then is the update acknowledged; meanwhile further updates, of this and other types, are
    /// applied. Asked once, right after an <see cref="ApplyAsync"/> that refused nothing; a refusal is told without waiting.
    /// </summary>
    /// <returns>False when it is acknowledged although it waits still. Must not fail.</returns>
    ValueTask<bool> WhenInForceAsync() => ValueTask.FromResult(true);

    /// <summary>The stream is up (<paramref name="isConnected"/>) or lost, with the cause. For status pages; nothing must be done.</summary>
    void OnConnection(bool isConnected, string reason);
}

/// <summary>What one response changes for a consumer.</summary>
/// <param name="TypeUrl">One of <see cref="XdsTypeUrls"/>, or another type that was subscribed to.</param>
/// <param name="Version">The server's version of the whole (for <c>version_info</c> in a dump); may be empty.</param>
/// <param name="Changed">New and changed resources; those whose version the consumer has accepted already are left out.</param>
/// <param name="Removed">
/// Names that are gone, and names subscribed to that do not exist. In state-of-the-world only listeners and clusters can be told gone:
/// the absence of a route configuration or an endpoint set says nothing there.
/// </param>
public sealed record XdsUpdate(string TypeUrl, string Version, ImmutableArray<XdsResource> Changed, ImmutableArray<string> Removed)
{
    /// <summary>
    /// The first word on this type since the client was made. It is handed over even when empty, so that a consumer can tell "there are
    /// no listeners" from "nobody has said yet".
    /// </summary>
    public bool IsFirst { get; init; }

    public bool IsEmpty => Changed.IsEmpty && Removed.IsEmpty;
}

/// <summary>A resource that cannot be used, and why: field path and reason, for the operator who reads it at the control plane.</summary>
public readonly record struct XdsRejection(string Name, string Reason);
