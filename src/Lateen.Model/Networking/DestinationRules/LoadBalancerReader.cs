using Lateen.Model.Reading;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.DestinationRules;

/// <summary>Reads load balancer settings.</summary>
internal static class LoadBalancerReader
{
    /// <summary>Envoy's bound on a Maglev table. Entries.</summary>
    private const ulong MaxMaglevTable = 5_000_011;

    public static readonly MessageShape AttributeShape = new("HTTPCookie.Attribute", InEffect("name"), InEffect("value"));

    public static readonly MessageShape CookieShape = new(
        "HTTPCookie", InEffect("name"), InEffect("path"), InEffect("ttl"), InEffect("attributes", AttributeShape));

    public static readonly MessageShape RingHashShape = new("RingHash", InEffect("minimumRingSize"));

    public static readonly MessageShape MaglevShape = new("MagLev", InEffect("tableSize"));

    public static readonly MessageShape ConsistentHashShape = new(
        "ConsistentHashLB",
        InEffect("httpHeaderName"), InEffect("httpCookie", CookieShape), InEffect("useSourceIp"), InEffect("httpQueryParameterName"),
        InEffect("ringHash", RingHashShape), InEffect("maglev", MaglevShape),
        Deprecated("minimumRingSize", "write ringHash: {minimumRingSize: ...}"));

    public static readonly MessageShape WarmupShape = new(
        "WarmupConfiguration", InEffect("duration"), InEffect("minimumPercent"), InEffect("aggression"));

    public static readonly MessageShape Shape = new(
        "LoadBalancerSettings",
        InEffect("simple"), Pending("consistentHash", ConsistentHashShape), Pending("localityLbSetting", LocalityReader.Shape),
        Pending("zoneAwareLbSetting", LocalityReader.ZoneAwareShape), Pending("warmup", WarmupShape),
        Pending("warmupDurationSecs", note: "write warmup: {duration: ...}"));

    public static LoadBalancerSettings Read(ObjectReader at)
    {
        at.AtMostOne("simple", "consistentHash");
        at.AtMostOne("warmup", "warmupDurationSecs");
        at.AtMostOne("localityLbSetting", "zoneAwareLbSetting");
        var settings = new LoadBalancerSettings
        {
            Simple = at.Enum(
                "simple", ("UNSPECIFIED", SimpleLoadBalancer.Unspecified), ("RANDOM", SimpleLoadBalancer.Random),
                ("PASSTHROUGH", SimpleLoadBalancer.Passthrough), ("ROUND_ROBIN", SimpleLoadBalancer.RoundRobin),
                ("LEAST_REQUEST", SimpleLoadBalancer.LeastRequest), ("LEAST_CONN", SimpleLoadBalancer.LeastRequest)),
            ConsistentHash = at.Object("consistentHash", ReadConsistentHash),
            LocalityLbSetting = at.Object("localityLbSetting", LocalityReader.Read),
            ZoneAwareLbSetting = at.Object("zoneAwareLbSetting", LocalityReader.ReadZoneAware),
            Warmup = at.Object("warmup", ReadWarmup)
                ?? (at.Duration("warmupDurationSecs") is { } duration ? new WarmupConfiguration { Duration = duration } : null),
        };
        WarmupIsForBalancersThatCount(settings, at);
        if (settings.Simple == SimpleLoadBalancer.Passthrough)
            at.ReportNotInEffect("simple", "PASSTHROUGH is valid, but this release uses LEAST_REQUEST in its place");
        return settings;
    }

    private static void WarmupIsForBalancersThatCount(LoadBalancerSettings settings, ObjectReader at)
    {
        if (settings.Warmup is null) return;
        if (settings.ConsistentHash is not null || settings.Simple is SimpleLoadBalancer.Random or SimpleLoadBalancer.Passthrough)
            at.Report(
                DiagnosticCodes.InvalidWarmup, at.Has("warmup") ? "warmup" : "warmupDurationSecs",
                "only ROUND_ROBIN and LEAST_REQUEST can start endpoints slowly", "remove the warm-up, or choose one of these");
    }

    private static WarmupConfiguration? ReadWarmup(ObjectReader at)
    {
        at.Require("duration");
        var duration = at.Duration("duration");
        var minimumPercent = at.Double("minimumPercent", 0, 100);
        var aggression = at.Double("aggression", 1);
        return duration is null
            ? null
            : new WarmupConfiguration { Duration = duration.Value, MinimumPercent = minimumPercent, Aggression = aggression };
    }

    private static ConsistentHashLoadBalancer ReadConsistentHash(ObjectReader at)
    {
        at.AtMostOne("httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName");
        at.AtMostOne("ringHash", "maglev", "minimumRingSize");
        if (!at.Has("httpHeaderName") && !at.Has("httpCookie") && !at.Has("useSourceIp") && !at.Has("httpQueryParameterName"))
            at.ReportHere(
                DiagnosticCodes.InvalidHash, "there is nothing to hash by",
                "write httpHeaderName, httpCookie, useSourceIp or httpQueryParameterName");
        var settings = new ConsistentHashLoadBalancer
        {
            HttpHeaderName = at.String("httpHeaderName"),
            HttpCookie = at.Object("httpCookie", ReadCookie),
            UseSourceIp = at.Boolean("useSourceIp") ?? false,
            HttpQueryParameterName = at.String("httpQueryParameterName"),
            MinimumRingSize = at.Nested("ringHash")?.UInt64("minimumRingSize") ?? at.UInt64("minimumRingSize"),
            MaglevTableSize = at.Nested("maglev") is { } maglev ? maglev.UInt64("tableSize") ?? 65_537 : null,
        };
        if (settings.MaglevTableSize is { } size && (size >= MaxMaglevTable || !IsPrime(size)))
            at.Report(
                DiagnosticCodes.InvalidHash, "maglev", $"the table size {size} cannot be used",
                $"a prime below {MaxMaglevTable}, such as 65537");
        return settings;
    }

    private static HttpCookie? ReadCookie(ObjectReader at)
    {
        var name = at.RequiredString("name");
        var cookie = new HttpCookie
        {
            Name = name ?? "",
            Path = at.String("path"),
            Ttl = at.Duration("ttl", zeroAllowed: true),
            Attributes = [.. at.Objects("attributes", ReadAttribute).Select(attribute => attribute.Item1)],
        };
        return name is null ? null : cookie;
    }

    private static Tuple<KeyValuePair<string, string>>? ReadAttribute(ObjectReader at)
    {
        var name = at.RequiredString("name");
        var value = at.String("value") ?? "";
        return name is null ? null : Tuple.Create(KeyValuePair.Create(name, value));
    }

    private static bool IsPrime(ulong number)
    {
        if (number < 2) return false;
        for (ulong divisor = 2; divisor * divisor <= number; divisor++)
            if (number % divisor == 0) return false;
        return true;
    }
}
