using System.Text.Json;
using Lateen.Model;

namespace Lateen.ControlPlane.Api;

/// <summary>One text that a person wrote, with the name under which diagnostics speak of it (a path as the CLI was given it, or <c>-</c>).</summary>
public sealed record SourceText(string Path, string Text);

/// <summary>The identity of a resource as people write it. <see cref="Kind"/> may be any of the kind's names: VirtualService, virtualservices, vs.</summary>
public sealed record ResourceName(string Kind, string Namespace, string Name);

/// <summary>A resource as <c>GET /api/v1/resources</c> returns it.</summary>
/// <param name="Revision">The store revision that gave it its present content.</param>
/// <param name="Source">Where it was written: <c>file:line</c>, or <c>applied</c> when it came through the API.</param>
/// <param name="Resource">The whole resource, apiVersion and kind included, as it was written.</param>
public sealed record ResourceView(
    string Kind, string ApiVersion, string Namespace, string Name, long Revision, string Source, JsonElement Resource);

/// <summary>The answer to <c>GET /api/v1/resources</c>, ordered by kind, namespace and name.</summary>
public sealed record ResourceListResponse(long Revision, IReadOnlyList<ResourceView> Items);

/// <summary>The body of <c>POST /api/v1/resources/apply</c>, <c>/validate</c> and <c>/diff</c>. All files stand or fall together.</summary>
/// <param name="DryRun">Checks and reports what would change, and changes nothing.</param>
/// <param name="DefaultNamespace">The namespace of resources that name none; null means <c>default</c>.</param>
public sealed record ApplyRequest(IReadOnlyList<SourceText> Files, bool DryRun = false, string? DefaultNamespace = null);

/// <summary>The body of <c>POST /api/v1/resources/delete</c>. Names and the resources that the files hold are deleted together or not at all.</summary>
public sealed record DeleteRequest(
    IReadOnlyList<ResourceName> Items, IReadOnlyList<SourceText>? Files = null, bool DryRun = false, string? DefaultNamespace = null);

/// <summary>What a change did to one resource. <see cref="Change"/> is created, configured, unchanged or deleted.</summary>
/// <param name="Before">The stored text before; null when there was none. Only filled for dry runs.</param>
/// <param name="After">The text after; null when deleted. Only filled for dry runs.</param>
public sealed record ResourceChange(string Kind, string Namespace, string Name, string Change, string? Before = null, string? After = null);

/// <summary>The answer to apply, delete, diff and validate.</summary>
/// <param name="Revision">The revision that holds the change, or the present one when nothing changed.</param>
/// <param name="Accepted">False when an error kept the whole change out; the diagnostics say why.</param>
public sealed record ApplyResponse(
    long Revision, bool Accepted, IReadOnlyList<ResourceChange> Changes, IReadOnlyList<DiagnosticView> Diagnostics);

/// <summary>A diagnostic as programs read it. Severity is error, warning or info; line and column count from 1, and 0 means unknown.</summary>
public sealed record DiagnosticView(
    string Code, string Severity, string Resource, string Field, string File, int Line, int Column, string Message, string? Hint)
{
    /// <summary>A finding of the model, for programs.</summary>
    public static DiagnosticView Of(Diagnostic diagnostic)
    {
        ArgumentNullException.ThrowIfNull(diagnostic);
        return new DiagnosticView(
            diagnostic.Code, diagnostic.IsError ? "error" : "warning", diagnostic.Resource?.ToString() ?? "", diagnostic.FieldPath,
            diagnostic.Location?.File ?? "", diagnostic.Location?.Line ?? 0, diagnostic.Location?.Column ?? 0, diagnostic.Message, diagnostic.Hint);
    }
}

/// <summary>The answer to <c>GET /api/v1/diagnostics</c>: what is wrong with the configuration that is held now.</summary>
public sealed record DiagnosticListResponse(long Revision, IReadOnlyList<DiagnosticView> Items);

/// <summary>One entry of the store's history.</summary>
/// <param name="Origin">Who made it: <c>api</c>, or the name of a configuration source.</param>
public sealed record RevisionView(long Revision, DateTimeOffset Time, string Origin, IReadOnlyList<ResourceChange> Changes);

/// <summary>The answer to <c>GET /api/v1/revisions</c>, newest first.</summary>
public sealed record RevisionListResponse(long Current, IReadOnlyList<RevisionView> Items);

/// <summary>A proxy that refused what a revision gave it.</summary>
public sealed record ProxyRejection(string Proxy, string Type, string Reason);

/// <summary>The answer to <c>GET /api/v1/revisions/{n}/served</c>.</summary>
/// <param name="Served">True when every proxy whose resources the revision changed has acknowledged them.</param>
/// <param name="Concerned">Proxies whose resources the revision (or a later one) changed.</param>
/// <param name="Pending">Those of them that have not answered yet.</param>
/// <param name="Rejected">Those of them that refused; waiting longer does not help.</param>
public sealed record ServedResponse(
    long Revision, bool Served, IReadOnlyList<string> Concerned, IReadOnlyList<string> Pending, IReadOnlyList<ProxyRejection> Rejected);

/// <summary>How far one proxy is with one resource type.</summary>
/// <param name="Type">CDS, EDS, LDS or RDS.</param>
/// <param name="Status">Istio's words: SYNCED, STALE (sent, not yet answered), NOT SENT, ERROR (refused).</param>
/// <param name="AckedRevision">The newest store revision that the proxy acknowledged for this type.</param>
public sealed record ProxyTypeView(string Type, string Status, int Resources, long AckedRevision, string? Reason);

/// <summary>A connected proxy.</summary>
/// <param name="Id">The node id: <c>sidecar~IP~NAME.NAMESPACE~DOMAIN</c>.</param>
/// <param name="Revision">The newest store revision that the proxy serves in every type.</param>
/// <param name="AdminAddress">Where the proxy says that its admin pages are, host:port on its own machine; null when it does not say.</param>
public sealed record ProxyView(
    string Id, string Name, string Namespace, string Type, string Address, string Version, DateTimeOffset ConnectedAt, long Revision,
    IReadOnlyList<ProxyTypeView> Types, string? AdminAddress = null);

/// <summary>The answer to <c>GET /api/v1/proxies</c>, ordered by namespace and name.</summary>
public sealed record ProxyListResponse(long Revision, IReadOnlyList<ProxyView> Items);

/// <summary>The answer to <c>GET /api/v1/version</c>.</summary>
/// <param name="SecureAddress">Where proxies with identities connect; null when there is no such port.</param>
public sealed record VersionResponse(string Version, string Commit, string Runtime, long Revision, string? XdsAddress, string? SecureAddress = null);

/// <summary>An error answer of the API: a stable code, what happened, and what to do next.</summary>
public sealed record ProblemResponse(string Code, string Message, string? Hint);
