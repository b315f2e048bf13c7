using System.Collections.Frozen;
using System.Collections.Immutable;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Routing;
using Proto = Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtRequirement;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>Compiles <c>envoy.filters.http.jwt_authn</c>.</summary>
/// <param name="reactorCount">How many reactors run the filter; each keeps tokens of its own.</param>
public sealed class JwtAuthnCompiler(int reactorCount) : IExtensionCompiler, IRouteFilterCompiler
{
    /// <summary>Requirements within each other. Count.</summary>
    private const int MaxDepth = 16;

    public string MessageName => "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";

    public CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors)
    {
        if (ExtensionMessages.TryParse(JwtAuthentication.Parser, configuration, path, errors) is not { } config) return null;
        int errorsBefore = errors.Count;
        if (config.FilterStateRules is not null) errors.Add(path.Field("filter_state_rules"), "is not supported: demand tokens by 'rules'");
        var providers = new Dictionary<string, JwtProvider>(StringComparer.Ordinal);
        var compiler = new JwtProviderCompiler(reactorCount, errors);
        foreach ((string key, Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtProvider provider) in config.Providers.OrderBy(static one => one.Key, StringComparer.Ordinal))
        {
            if (compiler.Compile(key, provider, path.Field("providers").Key(key)) is { } compiled) providers.Add(key, compiled);
        }

        if (errors.Count > errorsBefore) return null;
        var requirements = new Requirements(providers, errors);
        var named = new Dictionary<string, JwtRequirement?>(StringComparer.Ordinal);
        foreach ((string key, Proto requirement) in config.RequirementMap.OrderBy(static one => one.Key, StringComparer.Ordinal))
        {
            named.Add(key, requirements.Compile(requirement, path.Field("requirement_map").Key(key), 0));
        }

        ImmutableArray<JwtRule> rules = CompileRules(config, requirements, named, path.Field("rules"), errors);
        return errors.Count > errorsBefore ? null : new JwtAuthnFilter(name, configuration.TypeUrl)
        {
            Rules = rules,
            Everything = rules.Any(static rule => rule.Requirement is not null) ? new AllRequirement([.. rules.Select(static rule => rule.Requirement).OfType<JwtRequirement>()]) : null,
            NamedRequirements = named.ToFrozenDictionary(StringComparer.Ordinal),
            LeafCount = requirements.LeafCount,
            OwnHeaders = [.. providers.Values.SelectMany(OwnHeadersOf)],
            BypassesCorsPreflight = config.BypassCorsPreflight,
            StripsFailureResponse = config.StripFailureResponse,
            StatPrefix = config.StatPrefix,
            UnusableKeyCount = providers.Values.Sum(static provider => provider.Keys.UnusableCount),
        };
    }

    public string RouteMessageName => "envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig";

    public CompiledExtension? CompileForRoute(string name, Any configuration, FieldPath path, ConfigurationErrors errors)
    {
        if (ExtensionMessages.TryParse(PerRouteConfig.Parser, configuration, path, errors) is not { } config) return null;
        if (config.Disabled || config.RequirementName.Length > 0) return new JwtRouteRule(name, configuration.TypeUrl, config.Disabled, config.RequirementName);
        errors.Add(path, "needs 'disabled: true' or a requirement_name");
        return null;
    }

    private static IEnumerable<HeaderName> OwnHeadersOf(JwtProvider provider)
    {
        if (provider.ForwardPayloadHeader is { } payload) yield return payload;
        foreach (ClaimHeader claim in provider.ClaimHeaders) yield return claim.Name;
    }

    private static ImmutableArray<JwtRule> CompileRules(
        JwtAuthentication config, Requirements requirements, Dictionary<string, JwtRequirement?> named, FieldPath path, ConfigurationErrors errors)
    {
        var rules = ImmutableArray.CreateBuilder<JwtRule>(config.Rules.Count);
        var matches = new MatchCompiler(errors);
        for (int i = 0; i < config.Rules.Count; i++)
        {
            RequirementRule rule = config.Rules[i];
            FieldPath place = path.At(i);
            if (rule.Match is null)
            {
                errors.Add(place.Field("match"), "is required");
                continue;
            }

            JwtRequirement? requirement = null;
            switch (rule.RequirementTypeCase)
            {
                case RequirementRule.RequirementTypeOneofCase.Requires:
                    requirement = requirements.Compile(rule.Requires, place.Field("requires"), 0);
                    break;
                case RequirementRule.RequirementTypeOneofCase.RequirementName:
                    if (!named.TryGetValue(rule.RequirementName, out requirement))
                        errors.Add(place.Field("requirement_name"), $"'{rule.RequirementName}' is not in requirement_map");
                    break;
            }

            if (matches.Compile(rule.Match, place.Field("match")) is { } match) rules.Add(new JwtRule(match, requirement));
        }

        return rules.ToImmutable();
    }

    /// <summary>Compiles requirements. The same provider with the same audiences is one leaf, wherever it stands, so that it is asked once.</summary>
    private sealed class Requirements(Dictionary<string, JwtProvider> providers, ConfigurationErrors errors)
    {
        private readonly Dictionary<string, ProviderLeaf> _leaves = new(StringComparer.Ordinal);

        public int LeafCount => _leaves.Count;

        /// <returns>Null when nothing is required, or the errors got something to say.</returns>
        public JwtRequirement? Compile(Proto requirement, FieldPath path, int depth)
        {
            if (depth == MaxDepth)
            {
                errors.Add(path, $"stands more than {MaxDepth} requirements deep");
                return null;
            }

            switch (requirement.RequiresTypeCase)
            {
                case Proto.RequiresTypeOneofCase.ProviderName:
                    return Leaf(requirement.ProviderName, null, path.Field("provider_name"));
                case Proto.RequiresTypeOneofCase.ProviderAndAudiences:
                    ProviderWithAudiences both = requirement.ProviderAndAudiences;
                    return Leaf(both.ProviderName, both.Audiences, path.Field("provider_and_audiences").Field("provider_name"));
                case Proto.RequiresTypeOneofCase.RequiresAny:
                    return CompileAny(requirement.RequiresAny.Requirements, path.Field("requires_any").Field("requirements"), depth);
                case Proto.RequiresTypeOneofCase.RequiresAll:
                    return CompileAll(requirement.RequiresAll.Requirements, path.Field("requires_all").Field("requirements"), depth);
                case Proto.RequiresTypeOneofCase.AllowMissing:
                    return new OptionalRequirement(AllProviders(path), allowsFailed: false);
                case Proto.RequiresTypeOneofCase.AllowMissingOrFailed:
                    return new OptionalRequirement(AllProviders(path), allowsFailed: true);
                case Proto.RequiresTypeOneofCase.ExtractOnlyWithoutValidation:
                    errors.Add(path.Field("extract_only_without_validation"), "is not supported: claims of a token that nobody verified are worth nothing");
                    return null;
                default:
                    return null;
            }
        }

        private AnyRequirement? CompileAny(RepeatedField<Proto> parts, FieldPath path, int depth)
        {
            if (!HasTwo(parts, path)) return null;
            bool allowsMissing = false;
            bool allowsFailed = false;
            var compiled = ImmutableArray.CreateBuilder<JwtRequirement>(parts.Count);
            for (int i = 0; i < parts.Count; i++)
            {
                if (parts[i].RequiresTypeCase == Proto.RequiresTypeOneofCase.AllowMissing) allowsMissing = true;
                else if (parts[i].RequiresTypeCase == Proto.RequiresTypeOneofCase.AllowMissingOrFailed) allowsFailed = true;
                else if (CompilePart(parts[i], path.At(i), depth) is { } part) compiled.Add(part);
            }

            return new AnyRequirement(compiled.ToImmutable(), allowsMissing, allowsFailed);
        }

        private AllRequirement? CompileAll(RepeatedField<Proto> parts, FieldPath path, int depth)
        {
            if (!HasTwo(parts, path)) return null;
            var compiled = ImmutableArray.CreateBuilder<JwtRequirement>(parts.Count);
            for (int i = 0; i < parts.Count; i++)
            {
                if (CompilePart(parts[i], path.At(i), depth) is { } part) compiled.Add(part);
            }

            return new AllRequirement(compiled.ToImmutable());
        }

        /// <summary>A part that demands nothing would open the whole: it is an oversight, not a wish.</summary>
        private JwtRequirement? CompilePart(Proto part, FieldPath path, int depth)
        {
            if (part.RequiresTypeCase == Proto.RequiresTypeOneofCase.None) errors.Add(path, "demands nothing; say which provider, or allow_missing");
            return Compile(part, path, depth + 1);
        }

        private bool HasTwo(RepeatedField<Proto> parts, FieldPath path)
        {
            if (parts.Count >= 2) return true;
            errors.Add(path, "needs at least two");
            return false;
        }

        private ImmutableArray<ProviderLeaf> AllProviders(FieldPath path) =>
            [.. providers.Keys.Order(StringComparer.Ordinal).Select(name => Leaf(name, null, path)!)];

        private ProviderLeaf? Leaf(string name, RepeatedField<string>? audiences, FieldPath path)
        {
            if (!providers.TryGetValue(name, out JwtProvider? provider))
            {
                errors.Add(path, $"'{name}' is not among the providers");
                return null;
            }

            // As in Envoy: an empty list leaves the provider's audiences in force.
            bool isOwn = audiences is { Count: > 0 };
            string key = isOwn ? name + "\n" + string.Join('\n', audiences!) : name;
            if (!_leaves.TryGetValue(key, out ProviderLeaf? leaf))
                _leaves.Add(key, leaf = new ProviderLeaf(_leaves.Count, provider, isOwn ? new AudienceSet(audiences!) : provider.Audiences));
            return leaf;
        }
    }
}
