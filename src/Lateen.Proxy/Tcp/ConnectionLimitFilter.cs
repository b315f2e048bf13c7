using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Statistics;
using Proto = Envoy.Extensions.Filters.Network.ConnectionLimit.V3;

namespace Lateen.Proxy.Tcp;

/// <summary>Envoy's <c>connection_limit</c>: connections of a filter chain beyond a number are closed, at once or after a while.</summary>
/// <remarks>The count is of this configuration: a changed filter chain begins anew, as in Envoy.</remarks>
internal sealed record ConnectionLimitFilter(string Name, string TypeUrl, string StatPrefix, long MaxConnections, long DelayMilliseconds)
    : NetworkFilter(Name, TypeUrl)
{
    private long _active;
    private ConnectionLimitStats? _stats;

    public override long? OnBegin(ProxyWorker worker)
    {
        // Two threads may both open the group; the registry gives both the same counters.
        _stats ??= ConnectionLimitStats.Open(worker.Statistics.Registry, StatPrefix);
        // Reactors share the count. Once per connection, not per byte; pairs with OnEnd.
        if (Interlocked.Increment(ref _active) > MaxConnections)
        {
            Interlocked.Decrement(ref _active);
            worker.Shard.Increment(_stats.Limited);
            return DelayMilliseconds;
        }

        worker.Shard.Increment(_stats.Active);
        return null;
    }

    public override bool MayDialAhead(Lateen.Net.TransportConnection connection) => false;

    public override void OnEnd(ProxyWorker worker)
    {
        Interlocked.Decrement(ref _active);
        worker.Shard.Decrement(_stats!.Active);
    }
}

/// <summary>Compiles a <c>ConnectionLimit</c>.</summary>
public sealed class ConnectionLimitCompiler : IExtensionCompiler
{
    public string MessageName => "envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit";

    public CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors)
    {
        if (ExtensionMessages.TryParse(Proto.ConnectionLimit.Parser, configuration, path, errors) is not { } limit) return null;
        var errorsBefore = errors.Count;
        if (limit.StatPrefix.Length == 0) errors.Add(path.Field("stat_prefix"), "is required");
        if (limit.MaxConnections is null or 0 or > long.MaxValue) errors.Add(path.Field("max_connections"), "is required, and must be greater than 0");
        var delay = ProtoValues.Duration(limit.Delay, TimeSpan.Zero, path.Field("delay"), errors) ?? TimeSpan.Zero;
        return errors.Count > errorsBefore
            ? null
            : new ConnectionLimitFilter(name, configuration.TypeUrl, limit.StatPrefix, (long)limit.MaxConnections!, (long)delay.TotalMilliseconds);
    }
}
