using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.VirtualServices;

/// <summary>Reads one <c>http</c> rule.</summary>
internal static class HttpRouteReader
{
    public static readonly MessageShape PortSelectorShape = new("PortSelector", InEffect("number"));

    public static readonly MessageShape DestinationShape = new(
        "Destination", InEffect("host"), InEffect("subset"), InEffect("port", PortSelectorShape));

    public static readonly MessageShape PercentShape = new("Percent", InEffect("value"));

    public static readonly MessageShape HeaderOperationsShape = new("HeaderOperations", InEffect("set"), InEffect("add"), InEffect("remove"));

    public static readonly MessageShape HeadersShape = new(
        "Headers", InEffect("request", HeaderOperationsShape), InEffect("response", HeaderOperationsShape));

    public static readonly MessageShape DelegateShape = new("Delegate", InEffect("name"), InEffect("namespace"));

    public static readonly MessageShape RouteDestinationShape = new(
        "HTTPRouteDestination", InEffect("destination", DestinationShape), InEffect("weight"), InEffect("headers", HeadersShape));

    public static readonly MessageShape MirrorShape = new(
        "HTTPMirrorPolicy", InEffect("destination", DestinationShape), InEffect("percentage", PercentShape));

    public static readonly MessageShape Shape = new(
        "HTTPRoute",
        InEffect("name"), InEffect("match", HttpMatchReader.Shape), InEffect("route", RouteDestinationShape),
        InEffect("redirect", HttpActionReader.RedirectShape), InEffect("directResponse", HttpActionReader.DirectResponseShape),
        InEffect("delegate", DelegateShape), InEffect("rewrite", HttpActionReader.RewriteShape), InEffect("timeout"),
        InEffect("retries", HttpPolicyReader.RetryShape), Pending("fault", HttpPolicyReader.FaultShape), Pending("mirror", DestinationShape),
        Pending("mirrorPercentage", PercentShape), Deprecated("mirrorPercent", "write mirrorPercentage: {value: ...}"),
        Pending("mirrors", MirrorShape), Pending("corsPolicy", HttpPolicyReader.CorsShape), InEffect("headers", HeadersShape));

    public static HttpRoute Read(ObjectReader at)
    {
        var route = new HttpRoute
        {
            Name = at.String("name"),
            Match = at.Objects("match", HttpMatchReader.Read),
            Route = at.Objects("route", ReadRouteDestination),
            Redirect = at.Object("redirect", HttpActionReader.ReadRedirect),
            DirectResponse = at.Object("directResponse", HttpActionReader.ReadDirectResponse),
            Delegate = at.Object("delegate", ReadDelegate),
            Rewrite = at.Object("rewrite", HttpActionReader.ReadRewrite),
            Timeout = at.Duration("timeout", zeroAllowed: true),
            Retries = at.Object("retries", HttpPolicyReader.ReadRetry),
            Fault = at.Object("fault", HttpPolicyReader.ReadFault),
            Mirror = at.Object("mirror", ReadDestination),
            MirrorPercentage = ReadPercent(at, "mirrorPercentage") ?? at.UInt32("mirrorPercent", 0, 100),
            Mirrors = at.Objects("mirrors", ReadMirror),
            CorsPolicy = at.Object("corsPolicy", HttpPolicyReader.ReadCors),
            Headers = at.Object("headers", ReadHeaders),
            Location = at.Location,
        };
        HttpRouteRules.HasOneAction(at);
        HttpRouteRules.RedirectKeepsNothingElse(at);
        HttpRouteRules.MirrorIsWrittenOnce(at);
        HttpRouteRules.AuthorityIsWrittenOnce(route, at);
        HttpRouteRules.PrefixRewriteHasPrefixMatches(route, at);
        WeightRules.Check(at, "route", [.. route.Route.Select(entry => entry.Weight)]);
        return route;
    }

    public static Destination? ReadDestination(ObjectReader at)
    {
        var host = at.Require("host") ? at.Host("host", HostRule.Address) : null;
        var subset = at.String("subset");
        if (subset is { Length: > 0 } && !HostSyntax.IsLabel(subset))
            at.Report(
                DiagnosticCodes.InvalidSubset, "subset", $"'{subset}' is not a subset name",
                "letters, digits and inner dashes, at most 63");
        var port = at.Object("port", nested => Tuple.Create(nested.Port("number")))?.Item1;
        return host is null ? null : new Destination { Host = host, Subset = subset is { Length: > 0 } ? subset : null, Port = port };
    }

    /// <summary>A share of requests in percent, 0 to 100.</summary>
    public static double? ReadPercent(ObjectReader at, string field) =>
        at.Nested(field) is { } percent ? percent.Double("value", 0, 100) ?? 0 : null;

    private static HttpRouteDestination? ReadRouteDestination(ObjectReader at)
    {
        at.Require("destination");
        var destination = at.Object("destination", ReadDestination);
        var weight = at.Int32("weight") ?? 0;
        var headers = at.Object("headers", ReadHeaders);
        return destination is null ? null : new HttpRouteDestination { Destination = destination, Weight = weight, Headers = headers };
    }

    private static HttpDelegate? ReadDelegate(ObjectReader at)
    {
        var name = at.RequiredString("name");
        var delegateNamespace = at.String("namespace");
        return name is null ? null : new HttpDelegate { Name = name, Namespace = delegateNamespace is { Length: > 0 } ? delegateNamespace : null };
    }

    private static HttpMirrorPolicy? ReadMirror(ObjectReader at)
    {
        at.Require("destination");
        var destination = at.Object("destination", ReadDestination);
        var percentage = ReadPercent(at, "percentage");
        return destination is null ? null : new HttpMirrorPolicy { Destination = destination, Percentage = percentage };
    }

    private static Headers ReadHeaders(ObjectReader at) => new()
    {
        Request = at.Object("request", nested => ReadHeaderOperations(nested, isRequest: true)),
        Response = at.Object("response", nested => ReadHeaderOperations(nested, isRequest: false)),
    };

    private static HeaderOperations ReadHeaderOperations(ObjectReader at, bool isRequest)
    {
        var operations = new HeaderOperations { Set = at.StringMap("set"), Add = at.StringMap("add"), Remove = at.Strings("remove") };
        HeaderRules.Check(at, operations, isRequest);
        return operations;
    }
}
