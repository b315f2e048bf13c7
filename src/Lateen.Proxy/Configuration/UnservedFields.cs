using System.Collections.Frozen;
using Envoy.Config.Bootstrap.V3;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Envoy.Extensions.Filters.Http.Router.V3;
using Envoy.Extensions.Filters.Listener.TlsInspector.V3;
using Envoy.Type.Matcher.V3;
using Google.Protobuf;
using Lateen.Xds.Schema;
using Lateen.Xds.Wire;
using Stats;
using GrpcStats = Envoy.Extensions.Filters.Http.GrpcStats.V3.FilterConfig;
using PeerMetadata = Io.Istio.Http.PeerMetadata.Config;
using RetryPolicy = Envoy.Config.Route.V3.RetryPolicy;

namespace Lateen.Proxy.Configuration;

/// <summary>
/// The fields of our protos that this proxy does not serve, all of them or some of their values, each with what there is instead. In a static file they are
/// errors like fields that we do not know; in received resources they are passed over and told (<see cref="ReceivedFields"/>).
/// </summary>
/// <remarks>Why are they in the protos, then? Our control plane writes some of them for Envoy, and of others a value is served.</remarks>
internal sealed class UnservedFields : IFieldJudge
{
    public static readonly UnservedFields Judge = new();

    private static readonly FrozenDictionary<(string Type, int Number), UnservedField> All = new Dictionary<(string, int), UnservedField>
    {
        [("envoy.config.cluster.v3.Cluster", Cluster.TypeFieldNumber)] =
            new("ORIGINAL_DST is not supported: it needs captured connections, and every request to it fails") { IsServed = static value => value != (long)Cluster.Types.DiscoveryType.OriginalDst },
        [("envoy.config.cluster.v3.Cluster", Cluster.RespectDnsTtlFieldNumber)] =
            new("is not supported: the system's resolver tells no time to live, so names are looked up again every dns_refresh_rate") { IsForEnvoy = true },
        [("envoy.config.route.v3.Route", Envoy.Config.Route.V3.Route.DecoratorFieldNumber)] =
            new("is not supported: it names spans, and this version does not trace") { IsForEnvoy = true },
        [("envoy.extensions.filters.http.grpc_stats.v3.FilterConfig", GrpcStats.EmitFilterStateFieldNumber)] =
            new("is not supported: message counts are in statistics and in no filter state") { IsForEnvoy = true },
        [("envoy.config.core.v3.Http1ProtocolOptions", Http1ProtocolOptions.AllowAbsoluteUrlFieldNumber)] =
            new("cannot be false: targets in absolute form are read as RFC 9112 has it") { IsServed = static value => value != 0 },
        [("envoy.config.route.v3.RetryPolicy", RetryPolicy.PerTryIdleTimeoutFieldNumber)] =
            new("is not supported; per_try_timeout bounds the whole attempt"),
        [("stats.PluginConfig", PluginConfig.ReporterFieldNumber)] =
            new("is not supported: the direction of the listener says who reports"),
        [("io.istio.http.peer_metadata.Config", PeerMetadata.SharedWithUpstreamFieldNumber)] =
            new("is not supported: peers learn each other's metadata by headers only"),
        [("envoy.config.core.v3.Pipe", Pipe.ModeFieldNumber)] =
            new("is not supported: the socket gets what the process's umask leaves; set the permissions of its directory"),
        [("envoy.config.core.v3.ConfigSource", ConfigSource.ResourceApiVersionFieldNumber)] =
            new("must be V3") { IsServed = static value => value != (long)ApiVersion.V2 },
        [("envoy.extensions.filters.http.router.v3.Router", Router.DynamicStatsFieldNumber)] =
            new("cannot be false: the router always counts") { IsServed = static value => value != 0 },
        [("envoy.extensions.filters.http.router.v3.Router", Router.RespectExpectedRqTimeoutFieldNumber)] =
            new("is not supported: a request's time limit is its route's, or x-envoy-upstream-rq-timeout-ms"),
        [("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", ExtAuthz.ValidateMutationsFieldNumber)] =
            new("is not supported: header changes that are not valid are left out, and the request goes on"),
        [("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector", TlsInspector.InitialReadBufferSizeFieldNumber)] =
            new("is not supported: the buffer grows with what comes"),
        [("envoy.type.matcher.v3.RegexMatcher.GoogleRE2", RegexMatcher.Types.GoogleRE2.MaxProgramSizeFieldNumber)] =
            new("is not supported: expressions are bounded by their matching, which takes time in proportion to the text"),
    }.ToFrozenDictionary();

    /// <summary>Most messages have no such field: one look for each message spares one for each of its fields.</summary>
    private static readonly FrozenSet<string> Types = All.Keys.Select(static key => key.Type).ToFrozenSet();

    private static readonly FrozenSet<string> ReasonsForEnvoy = All.Values.Where(static one => one.IsForEnvoy).Select(static one => one.Reason).ToFrozenSet();

    private UnservedFields()
    {
    }

    /// <summary>What is not served, for a test to hold against what is read.</summary>
    internal static IEnumerable<(string Type, int Number)> Fields => All.Keys;

    /// <summary>Reports every unserved field of a bootstrap as an error.</summary>
    public static void Check(Bootstrap bootstrap, ConfigurationErrors errors)
    {
        foreach (var finding in UnknownFields.Find(ProtoSchema.Default.Get("envoy.config.bootstrap.v3.Bootstrap"), bootstrap.ToByteArray(), judge: Judge))
        {
            if (finding.Reason is not null) errors.Add(finding.Path, finding.Reason);
        }
    }

    /// <summary>Our own control plane sends the field for the sake of Envoys: it is no fault of anybody's that it comes.</summary>
    public static bool IsForEnvoy(string reason) => ReasonsForEnvoy.Contains(reason);

    public string? WhyNotServed(MessageSchema type, FieldSchema field, long value) =>
        Types.Contains(type.FullName) && All.TryGetValue((type.FullName, field.Number), out var unserved) && !unserved.IsServed(value) ? unserved.Reason : null;

    public bool IsWalked(MessageSchema type, FieldSchema field, ReadOnlySpan<byte> message) => false;

    public bool IsStrict(MessageSchema type) => false;

    /// <param name="Reason">Behind the field's path.</param>
    private sealed record UnservedField(string Reason)
    {
        /// <summary>By default no value is served that is not the default.</summary>
        public Func<long, bool> IsServed { get; init; } = static _ => false;

        public bool IsForEnvoy { get; init; }
    }
}
