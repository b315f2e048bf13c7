using Lateen.ControlPlane.Serving;
using Lateen.ControlPlane.Store;
using Lateen.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Lateen.ControlPlane.Api;

/// <summary>
/// The HTTP API that the CLI uses, version 1. JSON in and out; a refused change is 422 with the record that says why, everything else that goes wrong
/// is a <see cref="ProblemResponse"/>.
/// </summary>
internal sealed class ApiEndpoints(ResourceStore store, ConfigurationChanges changes, MeshServer server, ControlPlaneOptions options, Func<string?> xdsAddress, Func<string?> secureAddress)
{
    /// <summary>The longest that one poll waits; the client asks again. Keeps idle requests from outliving their callers.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(60);

    public void Map(IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/v1");
        api.MapGet("/version", Version);
        api.MapGet("/resources", List);
        // The casts choose the overload that writes the result; the other takes the task for one without.
        api.MapPost("/resources/apply", (Delegate)((HttpContext http) => ChangeAsync(http, dryRun: false, withTexts: false)));
        api.MapPost("/resources/diff", (Delegate)((HttpContext http) => ChangeAsync(http, dryRun: true, withTexts: true)));
        api.MapPost("/resources/validate", (Delegate)((HttpContext http) => ChangeAsync(http, dryRun: true, withTexts: false)));
        api.MapPost("/resources/delete", (Delegate)DeleteAsync);
        api.MapPost("/authz/check", (Delegate)CheckAsync);
        api.MapGet("/diagnostics", Diagnostics);
        api.MapGet("/revisions", Revisions);
        api.MapGet("/revisions/{revision:long}/served", ServedAsync);
        api.MapGet("/proxies", Proxies);
        api.MapGet("/proxies/{proxy}", Proxy);
    }

    private IResult Version()
    {
        var build = BuildVersion.Current;
        return Json(new VersionResponse(build.Version, build.Commit, build.Runtime, store.Current.Number, xdsAddress(), secureAddress()));
    }

    private IResult List(string? kind, string? @namespace, string? name)
    {
        ResourceKind? wanted = null;
        if (kind is not (null or "" or "all"))
        {
            wanted = ResourceKind.Find(kind);
            if (wanted is null) return UnknownKind(kind);
        }

        var revision = store.Current;
        var items = revision.Resources.Values
            .Where(stored => (wanted is null || stored.Resource.Key.Kind == wanted)
                && (@namespace is null || stored.Resource.Namespace == @namespace || stored.Resource.Key.Kind == ResourceKind.MeshConfig)
                && (name is null || stored.Resource.Name == name))
            .Select(ResourceViews.Of);
        return Json(new ResourceListResponse(revision.Number, [.. items]));
    }

    internal static IResult UnknownKind(string kind) => Problem(StatusCodes.Status400BadRequest, "unknown_kind", $"there is no kind '{kind}'",
        $"the kinds are {string.Join(", ", ResourceKind.All.Select(known => known.ShortNames is [var shortName, ..] ? $"{known.Plural} ({shortName})" : known.Plural))}");

    private async Task<IResult> ChangeAsync(HttpContext http, bool dryRun, bool withTexts)
    {
        var (request, problem) = await ReadAsync(http, ApiJson.Default.ApplyRequest);
        if (request is null) return problem!;
        var answer = changes.Apply(request with { DryRun = dryRun || request.DryRun }, withTexts);
        return Json(answer, answer.Accepted ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity);
    }

    private async Task<IResult> DeleteAsync(HttpContext http)
    {
        var (request, problem) = await ReadAsync(http, ApiJson.Default.DeleteRequest);
        if (request is null) return problem!;
        var (answer, refusal) = changes.Delete(request);
        return refusal ?? Json(answer!, answer!.Accepted ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity);
    }

    private async Task<IResult> CheckAsync(HttpContext http)
    {
        var (question, malformed) = await ReadAsync(http, ApiJson.Default.AuthorizationCheckRequest);
        if (question is null) return malformed!;
        var answer = AuthorizationCheck.Run(server.Snapshot!, question, LabelsOfProxy, out var problem);
        return answer is null ? Json(problem!, StatusCodes.Status404NotFound) : Json(answer);
    }

    private StringMap<string>? LabelsOfProxy(string ns, string name) =>
        server.Proxies.FirstOrDefault(proxy => proxy.Identity.Namespace == ns && (proxy.Identity.Name == name || proxy.Identity.WorkloadName == name))?.Identity.Labels;

    private IResult Diagnostics() => Json(new DiagnosticListResponse(store.Current.Number, changes.Diagnostics()));

    private IResult Revisions()
    {
        var items = store.History.Reverse().Select(revision => new RevisionView(revision.Number, revision.Time, revision.Origin,
            [.. revision.Changes.Select(change => ResourceViews.Of(change, withTexts: false))]));
        return Json(new RevisionListResponse(store.Current.Number, [.. items]));
    }

    private async Task<IResult> ServedAsync(long revision, double? timeoutSeconds, CancellationToken cancellation)
    {
        if (revision > store.Current.Number)
            return Problem(StatusCodes.Status404NotFound, "unknown_revision", $"revision {revision} does not exist; the newest is {store.Current.Number}", null);
        var timeout = TimeSpan.FromSeconds(Math.Clamp(timeoutSeconds ?? 0, 0, LongestWait.TotalSeconds));
        return Json(await RevisionProgress.WaitAsync(server, revision, timeout, options.Time, cancellation));
    }

    private IResult Proxies() => Json(new ProxyListResponse(store.Current.Number, [.. server.Proxies.Select(ProxyViews.Of)]));

    private IResult Proxy(string proxy)
    {
        var (found, problem) = ProxyViews.Find(server, proxy);
        return found is null ? problem! : Json(ProxyViews.Of(found));
    }

    /// <summary>Only application/json is read: a web page cannot send that here without asking first, and the API never says yes.</summary>
    internal static async Task<(T? Value, IResult? Problem)> ReadAsync<T>(HttpContext http, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        if (!http.Request.HasJsonContentType())
            return (null, Problem(StatusCodes.Status415UnsupportedMediaType, "not_json", "the body must be application/json", null));
        try
        {
            var value = await http.Request.ReadFromJsonAsync(type, http.RequestAborted);
            return value is null ? (null, Malformed("the body is empty")) : (value, null);
        }
        catch (System.Text.Json.JsonException e)
        {
            return (null, Malformed(e.Message));
        }
    }

    private static IResult Malformed(string reason) =>
        Problem(StatusCodes.Status400BadRequest, "malformed", $"the body is not what this address takes: {reason}", "CLI and control plane may be of different versions: compare with `lateen version`");

    internal static IResult Problem(int status, string code, string message, string? hint) =>
        Json(new ProblemResponse(code, message, hint), status);

    internal static IResult Json<T>(T value, int status = StatusCodes.Status200OK) =>
        Results.Json(value, ApiJson.Default.Options, "application/json", status);
}
