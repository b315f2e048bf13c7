namespace Lateen.Model;

/// <summary>Checks of AuthorizationPolicies against the mesh settings.</summary>
internal static class AuthorizationChecks
{
    public static void ProvidersExist(MeshSnapshot snapshot, Findings report)
    {
        foreach (var policy in snapshot.AuthorizationPolicies.All)
        {
            if (policy.Spec.Provider is not { } name || snapshot.Mesh.ExtensionProviders.Any(provider => provider.Name == name)) continue;
            report.Add(
                DiagnosticCodes.UnknownProvider, policy, "spec.provider.name", $"the mesh settings declare no authorizer '{name}'; what the policy matches is denied",
                report.Nearest(name, snapshot.Mesh.ExtensionProviders.Select(provider => provider.Name)) ?? "extensionProviders: [{name: ..., envoyExtAuthzGrpc: ...}]");
        }
    }
}
