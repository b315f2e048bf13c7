using System.Collections.Frozen;
using System.Collections.Immutable;
using Envoy.Config.Route.V3;
using Lateen.Proxy.Routing;
using Lateen.Xds;
using Lateen.Xds.Schema;
using Lateen.Xds.Wire;

namespace Lateen.Proxy.Configuration;

/// <summary>
/// What received resources ask for and do not get. A condition that is not understood refuses its resource: a match of which a part is passed over matches more
/// than it says. Everything else is passed over, as Envoy does, and told: every version of every resource is counted, and each place in it logged once.
/// </summary>
/// <remarks>Configuration thread only. TLS contexts, secrets and filters that guard are strict by themselves (<see cref="ExtensionMessages"/>).</remarks>
internal sealed class ReceivedFields
{
    /// <summary>Lines that are remembered as told. Count; some 200 octets each. Hit: all are forgotten, and told once more when they come again.</summary>
    private const int MaxRemembered = 4096;

    /// <summary>Messages that are conditions, apart from those of <c>envoy.type.matcher.v3</c>, which all are.</summary>
    private static readonly FrozenSet<string> Conditions = new[]
    {
        "envoy.config.route.v3.RouteMatch", "envoy.config.route.v3.HeaderMatcher", "envoy.config.route.v3.QueryParameterMatcher",
        "envoy.config.listener.v3.FilterChainMatch", "envoy.config.core.v3.CidrRange",
    }.ToFrozenSet();

    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    /// <summary>Told each place once, at the level of a warning.</summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>Told once of each kind of field that our control plane sends for the sake of Envoys.</summary>
    public Action<string>? OnNote { get; init; }

    /// <summary>Told how many places one version of a resource has.</summary>
    public Action<int>? OnCount { get; init; }

    /// <summary>Finds what one version asks for beyond what is served.</summary>
    /// <param name="typeUrl">Of the resource.</param>
    /// <param name="resource">As received.</param>
    /// <param name="former">The version before of a route table: virtual hosts that it had were looked at then.</param>
    /// <param name="errors">Gets the conditions that are not understood.</param>
    /// <returns>What is passed over, for <see cref="Tell"/>.</returns>
    public ImmutableArray<UnknownField> Find(string typeUrl, XdsResource resource, RouteTable? former, ConfigurationErrors errors)
    {
        if (!XdsTypeRegistry.Default.TryFind(typeUrl, out var type)) return [];
        var passedOver = ImmutableArray.CreateBuilder<UnknownField>();
        foreach (var finding in UnknownFields.Find(type, resource.Body.Span, judge: new Judge(former, _told)))
        {
            if (finding.Reason is null && finding.FieldNumber != 0 && IsCondition(finding.TypeName))
                errors.Add(finding.Path, $"field number {finding.FieldNumber} of {finding.TypeName} is not supported, and without it the condition would be another");
            else passedOver.Add(finding);
        }

        return passedOver.DrainToImmutable();
    }

    /// <summary>Tells what a version that was accepted asked for in vain.</summary>
    public void Tell(string typeUrl, string name, ImmutableArray<UnknownField> passedOver)
    {
        var count = 0;
        foreach (var finding in passedOver)
        {
            if (finding.Reason is { } reason && UnservedFields.IsForEnvoy(reason))
            {
                if (_told.Add(reason)) OnNote?.Invoke($"{XdsTypeUrls.ShortName(typeUrl)} {name}: {finding}; this is told once");
                continue;
            }

            count++;
            if (_told.Count >= MaxRemembered) _told.Clear();
            var line = $"{XdsTypeUrls.ShortName(typeUrl)} {name}: {finding}; it is passed over";
            if (_told.Add(line)) OnWarning?.Invoke(line);
        }

        if (count > 0) OnCount?.Invoke(count);
    }

    private static bool IsCondition(string typeName) =>
        typeName.StartsWith("envoy.type.matcher.v3.", StringComparison.Ordinal) || Conditions.Contains(typeName);

    private sealed class Judge(RouteTable? former, HashSet<string> told) : IFieldJudge
    {
        private readonly HashSet<string> _noted = new(StringComparer.Ordinal);
        private VirtualHostBytes.Search _walked = (former?.Source ?? VirtualHostBytes.None).Begin();

        // What our control plane writes for Envoys stands in every route: it is found once, so that it hides nothing else.
        public string? WhyNotServed(MessageSchema type, FieldSchema field, long value) =>
            UnservedFields.Judge.WhyNotServed(type, field, value) is { } reason && (!UnservedFields.IsForEnvoy(reason) || (!told.Contains(reason) && _noted.Add(reason)))
                ? reason : null;

        public bool IsWalked(MessageSchema type, FieldSchema field, ReadOnlySpan<byte> message) =>
            former is not null && field.Number == RouteConfiguration.VirtualHostsFieldNumber && type.FullName == "envoy.config.route.v3.RouteConfiguration"
            && _walked.Find(message) >= 0;

        public bool IsStrict(MessageSchema type) => IsCondition(type.FullName);
    }
}
