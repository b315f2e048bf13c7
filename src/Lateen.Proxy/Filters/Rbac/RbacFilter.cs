using System.Text;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>
/// <c>envoy.filters.http.rbac</c>: allows or denies a request by rules, and says what shadow rules would have said. Who is denied learns nothing
/// of the reason; the access log and the statistics name the policy and where it is written.
/// </summary>
/// <remarks>
/// Shadow rules come first, so that their verdict stands in the metadata whatever the rules say. Envoy sets no response flag for a
/// denial, and neither does this.
/// </remarks>
internal sealed record RbacFilter : HttpFilter
{
    public const string MetadataNamespace = "envoy.filters.http.rbac";

    private static readonly byte[] Namespace = Encoding.ASCII.GetBytes(MetadataNamespace);

    private readonly RbacFilterRules _rules;
    private readonly StatsRegistry _registry;
    private RbacStats? _stats;

    public RbacFilter(string name, string typeUrl, RbacFilterRules rules, StatsRegistry registry)
        : base(name, typeUrl)
    {
        _rules = rules;
        _registry = registry;
    }

    public override FilterStages Stages => FilterStages.Request;

    public override FilterVerdict OnRequest(HttpExchange exchange)
    {
        RbacFilterRules rules = exchange.Route?.FilterConfiguration(Name) as RbacFilterRules ?? _rules;
        if (rules.IsEmpty) return FilterVerdict.Continue;

        // Several threads may open the group at once; the registry gives all the same counters.
        RbacStats stats = _stats ??= RbacStats.OpenHttp(_registry, exchange.ConnectionManager.StatPrefix, _rules.StatPrefix, _rules.ShadowStatPrefix);
        PathReadings paths = exchange.FilterState<PathReadings>(this);
        paths.Read(exchange.Request);
        ExchangeRecord record = exchange.Record;
        var subject = new AuthorizationSubject
        {
            Request = exchange.Request,
            Paths = paths,
            Local = record.DownstreamLocalAddress,
            DirectRemote = record.DownstreamDirectRemoteAddress,
            ConnectionRemote = record.DownstreamConnectionAddress,
            ToldRemote = record.DownstreamRemoteAddress,
            Peer = PeerNames.Of(record.DownstreamPeer),
            ServerName = record.DownstreamTls?.ServerName,
            Metadata = exchange.Metadata,
        };

        if (rules.Shadow is { } shadow)
        {
            RbacVerdict verdict = shadow.Rules.Evaluate(subject);
            exchange.Shard.Increment(verdict.IsAllowed ? stats.ShadowAllowed : stats.ShadowDenied);
            shadow.Count(exchange.Shard, verdict, stats.Scope);
            // Another filter may decide by this verdict: where it cannot be left, nobody may pass for its absence.
            if (!shadow.Leave(exchange.Metadata, Namespace, verdict))
            {
                exchange.Shard.Increment(stats.Denied);
                return FilterVerdict.Respond(RbacReplies.NoRoom);
            }
        }

        if (rules.Enforced is not { } enforced) return FilterVerdict.Continue;
        RbacVerdict decision = enforced.Rules.Evaluate(subject);
        exchange.Shard.Increment(decision.IsAllowed ? stats.Allowed : stats.Denied);
        enforced.Count(exchange.Shard, decision, stats.Scope);
        if (enforced.Rules.Action == RbacAction.Log) enforced.LeaveLogHint(exchange.Metadata, decision);
        if (decision.IsAllowed) return FilterVerdict.Continue;
        enforced.LeaveRefusal(exchange.Metadata, decision);
        return FilterVerdict.Respond(enforced.ReplyTo(decision));
    }
}

/// <summary>The rules of a filter, or those that a route puts in their place.</summary>
/// <param name="Name">Of the filter.</param>
/// <param name="TypeUrl">Of the configuration.</param>
/// <param name="Enforced">Null: everything is allowed.</param>
/// <param name="Shadow">Null: there are none.</param>
/// <param name="StatPrefix"><c>rules_stat_prefix</c></param>
/// <param name="ShadowStatPrefix"><c>shadow_rules_stat_prefix</c></param>
internal sealed record RbacFilterRules(
    string Name, string TypeUrl, RbacRuleSet? Enforced, RbacRuleSet? Shadow, string StatPrefix, string ShadowStatPrefix)
    : Lateen.Proxy.Configuration.CompiledExtension(Name, TypeUrl)
{
    public bool IsEmpty => Enforced is null && Shadow is null;
}
