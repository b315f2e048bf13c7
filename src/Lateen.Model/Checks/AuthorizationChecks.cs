using Lateen.Model.Security;

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

    /// <summary>Whether a service answers for a provider depends on who may see it; complained about is one that nobody could.</summary>
    public static void AuthorizersExist(MeshSnapshot snapshot, Findings report)
    {
        if (snapshot.Find(ResourceKey.Mesh) is not { } mesh) return;
        for (var i = 0; i < snapshot.Mesh.ExtensionProviders.Length; i++)
        {
            var provider = snapshot.Mesh.ExtensionProviders[i];
            var services = snapshot.Services.ByHost(provider.Service);
            if (services.Length == 0)
                report.Add(
                    DiagnosticCodes.UnknownHost, mesh, $"extensionProviders[{i}]", $"no service has the host '{provider.Service}', so what asks '{provider.Name}' is denied",
                    report.Nearest(provider.Service, snapshot.Services.All.Select(service => service.Hostname)) ?? "the full name of a Service or a host of a ServiceEntry");
            else if (services.All(service => service.Port(provider.Port) is null))
                report.Add(
                    DiagnosticCodes.UnknownPort, mesh, $"extensionProviders[{i}]", $"'{provider.Service}' has no port {provider.Port}, so what asks '{provider.Name}' is denied");
        }
    }

    /// <summary>Claims come from tokens that a RequestAuthentication found good; without one a rule that asks for them never has any.</summary>
    public static void TokensAreChecked(MeshSnapshot snapshot, Findings report)
    {
        foreach (var policy in snapshot.AuthorizationPolicies.All)
        {
            if (!policy.Spec.Rules.Any(rule => rule.AllConditions().Any(IsOfToken))) continue;
            if (snapshot.RequestAuthentications.All.Any(tokens => Reaches(snapshot, tokens, policy))) continue;
            report.Add(
                DiagnosticCodes.NobodyChecksTokens, policy, "spec.rules", "it asks for what a token says, and no RequestAuthentication that could reach its workloads checks tokens",
                "add one with a jwtRule for the issuer");
        }
    }

    private static bool IsOfToken(AttributeCondition condition) =>
        condition.Attribute is PolicyAttribute.RequestPrincipal or PolicyAttribute.Audience or PolicyAttribute.Presenter or PolicyAttribute.Claim;

    private static bool Reaches(MeshSnapshot snapshot, Resource<RequestAuthentication> tokens, Resource<AuthorizationPolicy> policy) =>
        !tokens.Spec.JwtRules.IsEmpty
        && (tokens.Namespace == policy.Namespace || tokens.Namespace == snapshot.Mesh.RootNamespace || policy.Namespace == snapshot.Mesh.RootNamespace);
}
