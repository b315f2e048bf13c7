using System.Collections.Immutable;
using Lateen.Model.Kubernetes;
using Lateen.Model.Networking;
using Lateen.Model.Reading;

namespace Lateen.Model;

/// <summary>
/// What can only be seen in the resources together: names that lead nowhere, and resources that hide one another. All are warnings, for
/// the missing part may come later, and what is hidden is hidden by Istio's rules. Pure.
/// </summary>
public static class MeshChecks
{
    /// <summary>Every finding, by resource key, then by field.</summary>
    /// <param name="now">What certificates are compared with; null leaves their dates alone.</param>
    public static ImmutableArray<Diagnostic> Run(MeshSnapshot snapshot, DateTimeOffset? now = null)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var report = new Findings();
        foreach (var virtualService in snapshot.VirtualServices.All)
        {
            VirtualServiceChecks.GatewaysExist(snapshot, virtualService, report);
            VirtualServiceChecks.DelegatesExist(snapshot, virtualService, report);
            VirtualServiceChecks.DestinationsExist(snapshot, virtualService, report);
            VirtualServiceChecks.SharesAHostWithItsGateways(snapshot, virtualService, report);
        }

        VirtualServiceChecks.HostsAreRoutedOnce(snapshot, report);
        DestinationRuleHostExists(snapshot, report);
        OneDefaultSidecarPerNamespace(snapshot, report);
        SlicesBelongToServices(snapshot, report);
        SecretChecks.CredentialsExist(snapshot, report);
        SecretChecks.RootsAreUsed(snapshot, report);
        PeerAuthenticationChecks.EachLevelIsSaidOnce(snapshot, report);
        PeerAuthenticationChecks.PortsAreThoseOfWorkloads(snapshot, report);
        PeerAuthenticationChecks.StrictEndpointsHaveAnIdentity(snapshot, report);
        PeerAuthenticationChecks.ClientsSpeakWhatServersTake(snapshot, report);
        AuthorizationChecks.ProvidersExist(snapshot, report);
        AuthorizationChecks.AuthorizersExist(snapshot, report);
        AuthorizationChecks.TokensAreChecked(snapshot, report);
        if (now is { } time) SecretChecks.CertificatesAreValid(snapshot, time, report);
        return report.InOrder();
    }

    private static void DestinationRuleHostExists(MeshSnapshot snapshot, Findings report)
    {
        foreach (var rule in snapshot.Resources(ResourceKind.DestinationRule).Cast<Resource<DestinationRule>>())
        {
            var host = HostName.Resolve(rule.Spec.Host, rule.Namespace, snapshot.Mesh.ClusterDomain).ToLowerInvariant();
            if (HostName.IsWildcard(host) || snapshot.Services.ByHost(host).Length > 0) continue;
            report.Add(
                DiagnosticCodes.UnknownHost, rule, "spec.host", $"no service has the host '{host}'",
                report.Nearest(host, snapshot.Services.All.Select(service => service.Hostname)) ?? "a short name means the rule's own namespace");
        }
    }

    private static void OneDefaultSidecarPerNamespace(MeshSnapshot snapshot, Findings report)
    {
        foreach (var group in snapshot.Sidecars.All.Where(sidecar => sidecar.Spec.WorkloadSelector is null).GroupBy(sidecar => sidecar.Namespace))
            foreach (var later in group.Skip(1))
                report.Add(
                    DiagnosticCodes.SecondDefaultSidecar, later, "spec",
                    $"the namespace's default is {group.First()}, which is older; this one has no effect", "remove one, or give it a workloadSelector");
    }

    private static void SlicesBelongToServices(MeshSnapshot snapshot, Findings report)
    {
        foreach (var slice in snapshot.Resources(ResourceKind.EndpointSlice).Cast<Resource<EndpointSlice>>())
        {
            if (slice.Metadata.Labels.GetValueOrDefault(EndpointBinding.ServiceNameLabel) is not { Length: > 0 } name)
                report.Add(
                    DiagnosticCodes.OrphanSlice, slice, "metadata.labels", $"without the label {EndpointBinding.ServiceNameLabel} it belongs to no Service");
            else if (snapshot.Find(new ResourceKey(ResourceKind.Service, slice.Namespace, name)) is null)
                report.Add(DiagnosticCodes.OrphanSlice, slice, "metadata.labels", $"there is no Service '{name}' in the namespace {slice.Namespace}");
        }
    }
}

/// <summary>Collects findings of one run.</summary>
internal sealed class Findings
{
    /// <summary>Findings that get a "did you mean": looking for the nearest of thousands of names costs more than the check, and nobody
    /// reads the hint of the hundredth.</summary>
    private const int MaxNearest = 50;

    private readonly List<(ResourceKey Key, Diagnostic Diagnostic)> _found = [];

    /// <summary>The nearest of the candidates as a hint; null when none is near, or when enough hints were given.</summary>
    public string? Nearest(string word, IEnumerable<string> candidates) =>
        _found.Count < MaxNearest ? DidYouMean.Hint(word, candidates) : null;

    public void Add(DiagnosticCode code, Resource resource, string path, string message, string? hint = null, SourceLocation? location = null) =>
        _found.Add((resource.Key, new Diagnostic(
            code.Code, code.Severity, ResourceRef.Of(resource), path, message, hint, location ?? resource.Metadata.Location)));

    public ImmutableArray<Diagnostic> InOrder() => [.. _found.OrderBy(entry => entry.Key).Select(entry => entry.Diagnostic)];
}
