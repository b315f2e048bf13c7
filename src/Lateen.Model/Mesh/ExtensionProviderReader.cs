using System.Collections.Immutable;
using System.Globalization;
using Lateen.Model.Networking.VirtualServices;
using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Mesh;

/// <summary>Reads <c>extensionProviders</c>: the external authorizers. Providers of tracing and logging are known by name.</summary>
internal static class ExtensionProviderReader
{
    public static readonly MessageShape BodyShape = new(
        "EnvoyExternalAuthorizationRequestBody", InEffect("maxRequestBytes"), InEffect("allowPartialMessage"), InEffect("packAsBytes"));

    public static readonly MessageShape HttpShape = new(
        "EnvoyExternalAuthorizationHttpProvider",
        InEffect("service"), InEffect("port"), InEffect("timeout"), InEffect("pathPrefix"), InEffect("failOpen"), InEffect("statusOnError"),
        Deprecated("includeHeadersInCheck", "includeRequestHeadersInCheck"), InEffect("includeRequestHeadersInCheck"),
        InEffect("includeAdditionalHeadersInCheck"), InEffect("includeRequestBodyInCheck", BodyShape), InEffect("headersToUpstreamOnAllow"),
        InEffect("headersToDownstreamOnAllow"), InEffect("headersToDownstreamOnDeny"), InEffect("clearRouteCache"));

    public static readonly MessageShape GrpcShape = new(
        "EnvoyExternalAuthorizationGrpcProvider",
        InEffect("service"), InEffect("port"), InEffect("timeout"), InEffect("failOpen"), InEffect("statusOnError"),
        InEffect("includeRequestBodyInCheck", BodyShape), InEffect("clearRouteCache"));

    private static readonly ImmutableArray<string> OtherProviders =
    [
        "zipkin", "lightstep", "datadog", "stackdriver", "opencensus", "skywalking", "prometheus", "envoyFileAccessLog", "envoyHttpAls", "envoyTcpAls",
        "envoyOtelAls", "opentelemetry", "sds",
    ];

    public static readonly MessageShape Shape = new(
        "ExtensionProvider",
        [
            InEffect("name"), InEffect("envoyExtAuthzHttp", HttpShape), InEffect("envoyExtAuthzGrpc", GrpcShape),
            .. OtherProviders.Select(name => Pending(name)),
        ]);

    public static ImmutableArray<ExtensionProvider> Read(ObjectReader at, string field)
    {
        var names = new HashSet<string>();
        var providers = ImmutableArray.CreateBuilder<ExtensionProvider>();
        int index = 0;
        foreach (var provider in at.Objects(field, ReadOne))
        {
            if (provider.Name.Length > 0 && !names.Add(provider.Name))
                at.ReportItem(DiagnosticCodes.InvalidExtensionProvider, field, index, $"the provider '{provider.Name}' is declared twice", "rename one");
            if (provider.Value is { } authorizer) providers.Add(authorizer);
            index++;
        }

        return providers.ToImmutable();
    }

    private static Named ReadOne(ObjectReader at)
    {
        string name = at.RequiredString("name") ?? "";
        at.AtMostOne(["envoyExtAuthzHttp", "envoyExtAuthzGrpc", .. OtherProviders]);
        if (!at.Has("envoyExtAuthzHttp") && !at.Has("envoyExtAuthzGrpc") && !OtherProviders.Any(at.Has))
            at.ReportHere(DiagnosticCodes.InvalidExtensionProvider, "nothing says what the provider is", "envoyExtAuthzHttp or envoyExtAuthzGrpc");
        var authorizer = at.Nested("envoyExtAuthzHttp") is { } http ? ReadHttp(http, name)
            : at.Nested("envoyExtAuthzGrpc") is { } grpc ? ReadCommon(grpc, name, AuthorizerProtocol.Grpc)
            : null;
        return new Named(name, authorizer);
    }

    private static ExtensionProvider? ReadHttp(ObjectReader at, string name)
    {
        var old = Patterns(at, "includeHeadersInCheck");
        var included = Patterns(at, "includeRequestHeadersInCheck");
        var additional = at.StringMap("includeAdditionalHeadersInCheck");
        foreach (var (header, _) in additional)
            if (!HeaderRules.IsToken(header))
                at.ReportKey(DiagnosticCodes.InvalidHeader, "includeAdditionalHeadersInCheck", header, $"'{header}' is not a header name", "RFC 9110 section 5.1");
        string prefix = at.String("pathPrefix") ?? "";
        if (prefix.Length > 0 && (prefix[0] != '/' || prefix.AsSpan().IndexOfAny("?# ") >= 0))
            at.Report(DiagnosticCodes.InvalidExtensionProvider, "pathPrefix", $"'{prefix}' is not the beginning of a path", "such as /check");
        var headers = new HttpAuthorizer
        {
            PathPrefix = prefix,
            IncludeRequestHeadersInCheck = included.IsEmpty ? old : included,
            IncludeAdditionalHeadersInCheck = additional,
            HeadersToUpstreamOnAllow = Patterns(at, "headersToUpstreamOnAllow"),
            HeadersToDownstreamOnAllow = Patterns(at, "headersToDownstreamOnAllow"),
            HeadersToDownstreamOnDeny = Patterns(at, "headersToDownstreamOnDeny"),
        };
        return ReadCommon(at, name, AuthorizerProtocol.Http) is { } common ? common with { Http = headers } : null;
    }

    private static ExtensionProvider? ReadCommon(ObjectReader at, string name, AuthorizerProtocol protocol)
    {
        at.Require("port");
        int? port = at.Port("port");
        string? written = at.RequiredString("service");
        var (ns, host) = written?.IndexOf('/') is > 0 and var slash ? (written[..slash], written[(slash + 1)..]) : (null, written);
        if (host is not null && (HostSyntax.Check(host, HostRule.Name) is not null || (ns is not null && !HostSyntax.IsLabel(ns))))
            at.Report(DiagnosticCodes.InvalidHost, "service", $"'{written}' is not a service", "[namespace/]host, such as authz.security.svc.cluster.local");
        var common = new ExtensionProvider
        {
            Name = name,
            Protocol = protocol,
            Service = host?.ToLowerInvariant() ?? "",
            ServiceNamespace = ns,
            Port = port ?? 0,
            Timeout = at.Duration("timeout") ?? TimeSpan.FromSeconds(600),
            FailOpen = at.Boolean("failOpen") ?? false,
            StatusOnError = ReadStatus(at),
            ClearRouteCache = at.Boolean("clearRouteCache") ?? false,
            RequestBody = at.Object("includeRequestBodyInCheck", ReadBody),
        };
        return port is null || host is null || name.Length == 0 ? null : common;
    }

    private static AuthorizerRequestBody? ReadBody(ObjectReader at)
    {
        at.Require("maxRequestBytes");
        uint? bytes = at.UInt32("maxRequestBytes", min: 1);
        var body = new AuthorizerRequestBody(bytes ?? 1, at.Boolean("allowPartialMessage") ?? false, at.Boolean("packAsBytes") ?? false);
        return bytes is null ? null : body;
    }

    /// <summary>Istio's form is a string.</summary>
    private static int? ReadStatus(ObjectReader at)
    {
        if (at.String("statusOnError") is not { Length: > 0 } written) return null;
        if (int.TryParse(written, NumberStyles.None, CultureInfo.InvariantCulture, out int status) && status is >= 200 and <= 599) return status;
        at.Report(DiagnosticCodes.InvalidExtensionProvider, "statusOnError", $"'{written}' is not a status", "\"200\" to \"599\"");
        return null;
    }

    private static ImmutableArray<string> Patterns(ObjectReader at, string field)
    {
        var patterns = at.Strings(field);
        for (int i = 0; i < patterns.Length; i++)
            if (!HeaderRules.IsToken(patterns[i]))
                at.ReportItem(DiagnosticCodes.InvalidHeader, field, i, $"'{patterns[i]}' is not a header name or pattern", "x-user, x-auth-*, *-id");
        return patterns;
    }

    private sealed record Named(string Name, ExtensionProvider? Value);
}
