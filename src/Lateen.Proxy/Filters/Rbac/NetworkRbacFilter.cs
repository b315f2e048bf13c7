using Google.Protobuf.WellKnownTypes;
using Lateen.Net;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;
using Proto = Envoy.Extensions.Filters.Network.Rbac.V3;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>
/// <c>envoy.filters.network.rbac</c>: lets a connection be served or closes it, by rules, when its handshake is over and before a byte of it
/// goes anywhere.
/// </summary>
/// <remarks>
/// Envoy decides at the client's first byte, when a server that speaks first may have been heard already; deciding earlier with the same facts
/// closes that gap.
/// </remarks>
internal sealed record NetworkRbacFilter : NetworkFilter
{
    private static readonly byte[] Namespace = "envoy.filters.network.rbac"u8.ToArray();

    private readonly RbacRuleSet? _enforced;
    private readonly RbacRuleSet? _shadow;
    private readonly long _delayMilliseconds;
    private readonly RbacStats _stats;

    public NetworkRbacFilter(string name, string typeUrl, RbacRuleSet? enforced, RbacRuleSet? shadow, long delayMilliseconds, RbacStats stats)
        : base(name, typeUrl)
    {
        _enforced = enforced;
        _shadow = shadow;
        _delayMilliseconds = delayMilliseconds;
        _stats = stats;
    }

    public override bool MayDialAhead(TransportConnection connection)
    {
        var subject = new AuthorizationSubject
        {
            Local = connection.LocalEndPoint,
            DirectRemote = connection.DirectRemoteEndPoint,
            ConnectionRemote = connection.RemoteEndPoint,
        };
        return _enforced is null || _enforced.Rules.Evaluate(subject).IsAllowed;
    }

    public override long? OnEstablished(ProxyWorker worker, ConnectionRecord record)
    {
        var subject = new AuthorizationSubject
        {
            Local = record.Local,
            DirectRemote = record.DirectRemote,
            ConnectionRemote = record.Remote,
            Peer = PeerNames.Of(record.Peer),
            ServerName = record.ServerName,
            Metadata = record.Metadata,
        };
        if (_shadow is not null)
        {
            RbacVerdict verdict = _shadow.Rules.Evaluate(subject);
            worker.Shard.Increment(verdict.IsAllowed ? _stats.ShadowAllowed : _stats.ShadowDenied);
            _shadow.Count(worker.Shard, verdict, _stats.Scope);
            // Another filter may decide by this verdict: where it cannot be left, nobody may pass for its absence.
            if (!_shadow.Leave(record.Metadata ??= new DynamicMetadata(), Namespace, verdict))
            {
                worker.Shard.Increment(_stats.Denied);
                record.TerminationDetails = RbacReplies.NoRoom.Details;
                return _delayMilliseconds;
            }
        }

        if (_enforced is null) return null;
        RbacVerdict decision = _enforced.Rules.Evaluate(subject);
        worker.Shard.Increment(decision.IsAllowed ? _stats.Allowed : _stats.Denied);
        _enforced.Count(worker.Shard, decision, _stats.Scope);
        if (_enforced.Rules.Action == RbacAction.Log) _enforced.LeaveLogHint(record.Metadata ??= new DynamicMetadata(), decision);
        if (decision.IsAllowed) return null;
        _enforced.LeaveRefusal(record.Metadata ??= new DynamicMetadata(), decision);
        record.TerminationDetails = _enforced.ReplyTo(decision).Details;
        return _delayMilliseconds;
    }
}

/// <summary>Compiles <c>envoy.filters.network.rbac</c>.</summary>
public sealed class NetworkRbacFilterCompiler(StatsRegistry registry) : IExtensionCompiler
{
    private readonly RbacPolicyCounters _policies = new(registry);

    public string MessageName => "envoy.extensions.filters.network.rbac.v3.RBAC";

    public CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors)
    {
        if (RbacMessages.TryParse(Proto.RBAC.Parser, configuration, path, errors) is not { } message) return null;
        int errorsBefore = errors.Count;
        if (message.StatPrefix.Length == 0) errors.Add(path.Field("stat_prefix"), "is required");
        if (message.EnforcementType != Proto.RBAC.Types.EnforcementType.OneTimeOnFirstByte)
            errors.Add(path.Field("enforcement_type"), "only ONE_TIME_ON_FIRST_BYTE is supported: nothing that rules see changes later");
        RbacRules? enforced = message.Rules is null ? null : RbacRules.Compile(message.Rules, path.Field("rules"), errors, isConnection: true);
        RbacRules? shadow = message.ShadowRules is null ? null : RbacRules.Compile(message.ShadowRules, path.Field("shadow_rules"), errors, isConnection: true);
        var delay = ProtoValues.Duration(message.DelayDeny, TimeSpan.Zero, path.Field("delay_deny"), errors) ?? TimeSpan.Zero;
        if (errors.Count > errorsBefore) return null;
        return new NetworkRbacFilter(
            name,
            configuration.TypeUrl,
            enforced is null ? null : new RbacRuleSet(enforced, string.Empty, isShadow: false, CountersOf(enforced)),
            shadow is null ? null : new RbacRuleSet(shadow, message.ShadowRulesStatPrefix, isShadow: true, CountersOf(shadow)),
            (long)delay.TotalMilliseconds,
            RbacStats.OpenNetwork(registry, message.StatPrefix, message.ShadowRulesStatPrefix));
    }

    /// <summary>Envoy's filter of connections has no <c>track_per_rule_stats</c>: who says where policies are written wants to see which of them decided.</summary>
    private RbacPolicyCounters? CountersOf(RbacRules rules) => rules.AllPlaces.Length > 0 ? _policies : null;
}
