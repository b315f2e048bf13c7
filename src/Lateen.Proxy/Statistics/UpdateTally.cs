using Lateen.Xds;
using Lateen.Xds.Client;

namespace Lateen.Proxy.Statistics;

/// <summary>
/// Counts what the control plane sends on its way to the configuration: <c>cluster_manager.cds.*</c>, <c>listener_manager.lds.*</c>, and
/// <c>cluster_manager.cluster_updated</c> for endpoints.
/// </summary>
/// <remarks>Called by the xDS client on its own task, one call at a time.</remarks>
public sealed class UpdateTally(IXdsConsumer consumer, ProxyStatistics statistics) : IXdsConsumer
{
    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<XdsRejection>?> ApplyAsync(XdsUpdate update, CancellationToken cancellationToken)
    {
        var rejections = await consumer.ApplyAsync(update, cancellationToken).ConfigureAwait(false);
        bool isRejected = rejections is { Count: > 0 };
        var shared = statistics.Registry.Shared;
        switch (update.TypeUrl)
        {
            case XdsTypeUrls.Cluster:
                shared.Add(statistics.Clusters.UpdateAttempt);
                shared.Add(isRejected ? statistics.Clusters.UpdateRejected : statistics.Clusters.UpdateSuccess);
                break;
            case XdsTypeUrls.Listener:
                shared.Add(statistics.Listeners.UpdateAttempt);
                shared.Add(isRejected ? statistics.Listeners.UpdateRejected : statistics.Listeners.UpdateSuccess);
                break;
            case XdsTypeUrls.ClusterLoadAssignment:
                shared.Add(statistics.Clusters.Updated, update.Changed.Length - (rejections?.Count ?? 0));
                break;
            default:
                // Route tables are counted per connection manager in Envoy's names, and not yet here.
                break;
        }

        return rejections;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> WhenInForceAsync()
    {
        var isInForce = await consumer.WhenInForceAsync().ConfigureAwait(false);
        if (!isInForce) statistics.Registry.Shared.Add(statistics.ControlPlane.AcknowledgedEarly);
        return isInForce;
    }

    /// <inheritdoc/>
    public void OnConnection(bool isConnected, string reason) => consumer.OnConnection(isConnected, reason);
}
