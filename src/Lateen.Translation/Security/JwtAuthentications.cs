using System.Collections.Immutable;
using System.Globalization;
using Envoy.Config.Core.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Model;
using Lateen.Model.Security;

namespace Lateen.Translation.Security;

/// <summary>RequestAuthentications as Envoy's <c>jwt_authn</c>: one provider per rule, and what requests have to bring.</summary>
internal static class JwtAuthentications
{
    /// <summary>Key of the metadata under which the claims of a verified token are left for the filters behind.</summary>
    public const string PayloadKey = "payload";

    private static readonly ImmutableArray<string> DefaultSpaceDelimited = ["scope", "permission"];

    /// <summary>Null when no policy has a rule.</summary>
    public static JwtAuthentication? Of(ImmutableArray<Resource<RequestAuthentication>> policies, FetchedKeySets keys)
    {
        // By issuer, so that the order of policies does not decide which provider is asked first; equal ones stay in the order of their policies.
        var rules = policies.SelectMany(policy => policy.Spec.JwtRules).OrderBy(rule => rule.Issuer ?? "", StringComparer.Ordinal).ToList();
        if (rules.Count == 0) return null;
        var names = rules.Select((_, index) => string.Create(CultureInfo.InvariantCulture, $"origins-{index}")).ToList();
        var config = new JwtAuthentication { BypassCorsPreflight = true };
        for (int i = 0; i < rules.Count; i++) config.Providers.Add(names[i], Provider(rules[i], keys));
        config.Rules.Add(new RequirementRule { Match = new RouteMatch { Prefix = "/" }, Requires = Requirement(names) });
        return config;
    }

    private static JwtProvider Provider(JwtRule rule, FetchedKeySets keys)
    {
        var provider = new JwtProvider
        {
            Issuer = rule.Issuer ?? "",
            LocalJwks = new DataSource { InlineString = keys.Of(rule) },
            Forward = rule.ForwardOriginalToken,
            ForwardPayloadHeader = rule.OutputPayloadToHeader ?? "",
            PayloadInMetadata = PayloadKey,
            NormalizePayloadInMetadata = new JwtProvider.Types.NormalizePayload(),
        };
        provider.Audiences.AddRange(rule.Audiences);
        provider.FromHeaders.AddRange(rule.FromHeaders.Select(header => new Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtHeader { Name = header.Name, ValuePrefix = header.Prefix }));
        provider.FromParams.AddRange(rule.FromParams);
        provider.FromCookies.AddRange(rule.FromCookies);
        provider.ClaimToHeaders.AddRange(rule.OutputClaimToHeaders.Select(claim => new JwtClaimToHeader { HeaderName = claim.Header, ClaimName = claim.Claim }));
        provider.NormalizePayloadInMetadata.SpaceDelimitedClaims.AddRange(rule.SpaceDelimitedClaims ?? DefaultSpaceDelimited);
        return provider;
    }

    /// <summary>
    /// A request without a token passes; one with a token needs a provider that takes it. Of several providers, one that takes a token suffices, and a
    /// request passes untaken only when it brought a token for none of them.
    /// </summary>
    private static JwtRequirement Requirement(List<string> providers)
    {
        if (providers is [var only]) return Any(Of(only), AllowMissing());
        var all = new JwtRequirementAndList();
        all.Requirements.AddRange(providers.Select(name => Any(Of(name), AllowMissing())));
        return Any([.. providers.Select(Of), new JwtRequirement { RequiresAll = all }]);
    }

    private static JwtRequirement Of(string provider) => new() { ProviderName = provider };

    private static JwtRequirement AllowMissing() => new() { AllowMissing = new Empty() };

    private static JwtRequirement Any(params ReadOnlySpan<JwtRequirement> requirements)
    {
        var list = new JwtRequirementOrList();
        foreach (var requirement in requirements) list.Requirements.Add(requirement);
        return new JwtRequirement { RequiresAny = list };
    }
}
