using System.Text;
using Lateen.Model.Reading;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.VirtualServices;

/// <summary>Reads what an http rule does: redirect, direct response, rewrite.</summary>
internal static class HttpActionReader
{
    /// <summary>Octets of a direct response's body: every proxy holds it in memory for each route.</summary>
    private const int MaxBodyBytes = 1024 * 1024;
    private const int LargeBodyBytes = 100 * 1024;

    public static readonly MessageShape RedirectShape = new(
        "HTTPRedirect",
        InEffect("uri"), InEffect("prefixRewrite"), InEffect("authority"), InEffect("scheme"), InEffect("port"), InEffect("derivePort"),
        InEffect("redirectCode"));

    public static readonly MessageShape BodyShape = new("HTTPBody", InEffect("string"), InEffect("bytes"));

    public static readonly MessageShape DirectResponseShape = new("HTTPDirectResponse", InEffect("status"), InEffect("body", BodyShape));

    public static readonly MessageShape RegexRewriteShape = new("RegexRewrite", InEffect("match"), InEffect("rewrite"));

    public static readonly MessageShape RewriteShape = new(
        "HTTPRewrite", InEffect("uri"), InEffect("authority"), InEffect("uriRegexRewrite", RegexRewriteShape));

    public static HttpRedirect ReadRedirect(ObjectReader at)
    {
        at.AtMostOne("uri", "prefixRewrite");
        at.AtMostOne("port", "derivePort");
        var redirect = new HttpRedirect
        {
            Uri = at.String("uri"),
            PrefixRewrite = at.String("prefixRewrite"),
            Authority = at.String("authority"),
            Scheme = at.String("scheme"),
            Port = at.Port("port"),
            DerivePort = at.Enum(
                "derivePort", ("FROM_PROTOCOL_DEFAULT", RedirectPortSelection.FromProtocolDefault),
                ("FROM_REQUEST_PORT", RedirectPortSelection.FromRequestPort)),
            RedirectCode = at.Int32("redirectCode"),
        };
        if (redirect.Scheme is not (null or "" or "http" or "https"))
            at.Report(DiagnosticCodes.InvalidRedirect, "scheme", $"'{redirect.Scheme}' is not a scheme", "http or https");
        // Istio accepts 300 to 399 and then makes no redirect of the codes that it does not know.
        if (redirect.RedirectCode is not (null or 0 or 301 or 302 or 303 or 307 or 308))
            at.Report(
                DiagnosticCodes.InvalidRedirect, "redirectCode", $"{redirect.RedirectCode} is not a redirect", "301, 302, 303, 307 or 308");
        return redirect with { RedirectCode = redirect.RedirectCode == 0 ? null : redirect.RedirectCode };
    }

    public static HttpDirectResponse ReadDirectResponse(ObjectReader at)
    {
        at.Require("status");
        // Istio's message says 599, its code also takes 600, which no client understands.
        var status = at.Int32("status", 200, 599) ?? 200;
        var body = at.Object("body", ReadBody);
        if (body?.Length > MaxBodyBytes)
            at.Report(DiagnosticCodes.BodyTooLarge, "body", $"the body has {body.Length} octets", $"at most {MaxBodyBytes}");
        else if (body?.Length > LargeBodyBytes)
            at.Report(
                DiagnosticCodes.BodyLarge, "body", $"the body has {body.Length} octets, which every proxy holds for every such route");
        return new HttpDirectResponse { Status = status, Body = body is null ? null : [.. body] };
    }

    private static byte[]? ReadBody(ObjectReader at)
    {
        at.AtMostOne("string", "bytes");
        if (at.String("string") is { } text) return Encoding.UTF8.GetBytes(text);
        if (at.String("bytes") is not { } base64) return null;
        var octets = new byte[base64.Length];
        if (Convert.TryFromBase64String(base64, octets, out var written)) return octets[..written];
        at.Report(DiagnosticCodes.WrongType, "bytes", "'bytes' is not base64", "write text under 'string'");
        return null;
    }

    public static HttpRewrite ReadRewrite(ObjectReader at)
    {
        at.AtMostOne("uri", "uriRegexRewrite");
        var action = new HttpRewrite
        {
            Uri = at.String("uri"),
            Authority = at.String("authority"),
            UriRegexRewrite = at.Object("uriRegexRewrite", nested =>
            {
                nested.Require("match");
                var match = nested.Regex("match");
                var rewrite = nested.String("rewrite") ?? "";
                return match is null ? null : new RegexRewrite(match, rewrite);
            }),
        };
        if (!at.Has("uri") && !at.Has("authority") && !at.Has("uriRegexRewrite"))
            at.ReportHere(DiagnosticCodes.MissingField, "the rewrite changes nothing", "write uri, uriRegexRewrite or authority");
        return action;
    }
}
