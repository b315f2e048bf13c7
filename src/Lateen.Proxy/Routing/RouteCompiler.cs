using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Proto = Envoy.Config.Route.V3;

namespace Lateen.Proxy.Routing;

/// <summary>Compiles one route: its conditions, its action, its header rules.</summary>
internal sealed class RouteCompiler(ClusterDirectory clusters, ExtensionCatalog? extensions, VirtualHostLevel host, ConfigurationErrors errors)
{
    public bool TryCompile(Proto.Route route, FieldPath path, [NotNullWhen(true)] out RouteEntry? entry, [NotNullWhen(true)] out RouteMatcher? matcher)
    {
        entry = null;
        matcher = null;
        if (route.Match is null)
        {
            errors.Add(path.Field("match"), "is required");
            return false;
        }

        matcher = new MatchCompiler(errors).Compile(route.Match, path.Field("match"));
        var rules = new RouteLevel(
            HeaderMutationCompiler.Compile(route.RequestHeadersToRemove, route.RequestHeadersToAdd, "request", path, errors),
            HeaderMutationCompiler.Compile(route.ResponseHeadersToRemove, route.ResponseHeadersToAdd, "response", path, errors));
        RouteAction? action = route.ActionCase switch
        {
            Proto.Route.ActionOneofCase.Route_ =>
                new ForwardActionCompiler(clusters, host, rules, errors).Compile(route.Route_, route.Match, path.Field("route")),
            Proto.Route.ActionOneofCase.Redirect => CompileRedirect(route.Redirect, route.Match, path.Field("redirect")),
            Proto.Route.ActionOneofCase.DirectResponse => CompileDirectResponse(route.DirectResponse, path.Field("direct_response")),
            _ => NoAction(path),
        };
        if (action is null || matcher is null) return false;

        var (table, wins) = (host.Table, host.Table.MostSpecificHeadersWin);
        entry = new RouteEntry(route.Name, action)
        {
            StatPrefix = route.StatPrefix,
            Filters = PerFilterConfig.Over(PerFilterConfig.Compile(route.TypedPerFilterConfig, extensions, path, errors), host.Filters),
            RequestHeaders = HeaderMutationCompiler.Join(wins, rules.RequestHeaders, host.RequestHeaders, table.RequestHeaders),
            ResponseHeaders = HeaderMutationCompiler.Join(wins, rules.ResponseHeaders, host.ResponseHeaders, table.ResponseHeaders),
        };
        return true;
    }

    private RouteAction? NoAction(FieldPath path)
    {
        errors.Add(path, "needs an action: route, redirect or direct_response");
        return null;
    }

    private RedirectAction? CompileRedirect(Proto.RedirectAction redirect, Proto.RouteMatch match, FieldPath path)
    {
        var scheme = redirect.SchemeRewriteSpecifierCase switch
        {
            Proto.RedirectAction.SchemeRewriteSpecifierOneofCase.HttpsRedirect when redirect.HttpsRedirect => "https"u8.ToArray(),
            Proto.RedirectAction.SchemeRewriteSpecifierOneofCase.SchemeRedirect => Encoding.ASCII.GetBytes(redirect.SchemeRedirect.ToLowerInvariant()),
            _ => null,
        };
        if (redirect.PortRedirect > ushort.MaxValue) errors.Add(path.Field("port_redirect"), "a port is at most 65535");
        if (redirect.HostRedirect.Length > 0 && !AuthorityText.IsValid(Encoding.UTF8.GetBytes(redirect.HostRedirect)))
            errors.Add(path.Field("host_redirect"), $"'{redirect.HostRedirect}' is not a host");

        PathRewrite? rewrite = null;
        var newPath = string.Empty;
        switch (redirect.PathRewriteSpecifierCase)
        {
            case Proto.RedirectAction.PathRewriteSpecifierOneofCase.PathRedirect:
                newPath = redirect.PathRedirect;
                if (newPath.AsSpan().ContainsAny("\r\n\0 ")) errors.Add(path.Field("path_redirect"), "is not a path");
                break;
            case Proto.RedirectAction.PathRewriteSpecifierOneofCase.PrefixRewrite:
                rewrite = RewriteCompiler.Prefix(redirect.PrefixRewrite, match, path.Field("prefix_rewrite"), errors);
                break;
            case Proto.RedirectAction.PathRewriteSpecifierOneofCase.RegexRewrite:
                rewrite = RewriteCompiler.Regex(redirect.RegexRewrite, path.Field("regex_rewrite"), errors);
                break;
        }

        var status = redirect.ResponseCode switch
        {
            Proto.RedirectAction.Types.RedirectResponseCode.MovedPermanently => 301,
            Proto.RedirectAction.Types.RedirectResponseCode.Found => 302,
            Proto.RedirectAction.Types.RedirectResponseCode.SeeOther => 303,
            Proto.RedirectAction.Types.RedirectResponseCode.TemporaryRedirect => 307,
            Proto.RedirectAction.Types.RedirectResponseCode.PermanentRedirect => 308,
            _ => 0,
        };
        if (status == 0) errors.Add(path.Field("response_code"), $"{(int)redirect.ResponseCode} is not a known code");

        return new RedirectAction
        {
            Status = status,
            Scheme = scheme,
            Host = redirect.HostRedirect,
            Port = redirect.PortRedirect,
            Path = newPath,
            Rewrite = rewrite,
            StripQuery = redirect.StripQuery,
        };
    }

    private DirectResponseAction? CompileDirectResponse(Proto.DirectResponseAction response, FieldPath path)
    {
        if (response.Status is < 200 or >= 600) errors.Add(path.Field("status"), $"must be from 200 to 599, not {response.Status}");
        var body = DataSourceReader.Read(response.Body, host.Table.MaxDirectResponseBytes, path.Field("body"), errors, "max_direct_response_body_size_bytes");
        return new DirectResponseAction { Status = (int)response.Status, Body = body };
    }
}

/// <summary>Header rules of the route itself.</summary>
internal sealed record RouteLevel(HeaderMutation[] RequestHeaders, HeaderMutation[] ResponseHeaders);

/// <summary>Compiles what a route makes of a path.</summary>
internal static class RewriteCompiler
{
    private static readonly SearchValues<char> NotInPath = SearchValues.Create("?# \r\n\0");

    public static PathRewrite? Prefix(string replacement, Proto.RouteMatch match, FieldPath path, ConfigurationErrors errors)
    {
        if ((replacement.Length > 0 && replacement[0] != '/') || replacement.AsSpan().ContainsAny(NotInPath))
        {
            errors.Add(path, $"'{replacement}' must begin with '/' and have neither query nor fragment");
            return null;
        }

        int? matched = match.PathSpecifierCase switch
        {
            Proto.RouteMatch.PathSpecifierOneofCase.Prefix => Encoding.UTF8.GetByteCount(match.Prefix),
            Proto.RouteMatch.PathSpecifierOneofCase.PathSeparatedPrefix => Encoding.UTF8.GetByteCount(match.PathSeparatedPrefix),
            _ => null,
        };
        return new PrefixRewrite(replacement, matched);
    }

    public static RegexRewrite? Regex(Envoy.Type.Matcher.V3.RegexMatchAndSubstitute rewrite, FieldPath path, ConfigurationErrors errors)
    {
        var compiled = RegexRewrite.TryCreate(rewrite.Pattern?.Regex ?? string.Empty, rewrite.Substitution, out var error);
        if (compiled is null) errors.Add(path, error);
        return compiled;
    }

    public static HostRewrite? Literal(string host, FieldPath path, ConfigurationErrors errors)
    {
        if (host.Length == 0) return null;
        if (AuthorityText.IsValid(Encoding.UTF8.GetBytes(host))) return new LiteralHostRewrite(host);
        errors.Add(path, $"'{host}' is not a host");
        return null;
    }

    public static HostRewrite? Header(string name, FieldPath path, ConfigurationErrors errors)
    {
        if (HeaderName.TryCreate(name, out var header)) return new HeaderHostRewrite(header!);
        errors.Add(path, $"'{name}' is not a header name");
        return null;
    }
}
