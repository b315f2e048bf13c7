using Envoy.Config.Rbac.V3;
using Google.Protobuf.Collections;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>Compiles principals: who may, or may not, do it.</summary>
internal sealed class PrincipalCompiler(ConditionCompiler conditions)
{
    /// <summary>The one object of filter state that there is: what Istio's rules call the peer's principal.</summary>
    private const string PeerPrincipalKey = "io.istio.peer_principal";

    /// <summary>The alternatives of a list.</summary>
    public Condition? Any(RepeatedField<Principal> principals, FieldPath path, bool whenInDoubt) =>
        All(principals, path, whenInDoubt) is { } all ? AnyCondition.Of(all) : null;

    private List<Condition>? All(RepeatedField<Principal> principals, FieldPath path, bool whenInDoubt)
    {
        if (principals.Count == 0) conditions.Errors.Add(path, "at least one is required");
        var compiled = new List<Condition>(principals.Count);
        for (int i = 0; i < principals.Count; i++)
        {
            if (Compile(principals[i], path.At(i), whenInDoubt) is { } condition) compiled.Add(condition);
        }

        return compiled.Count == principals.Count && compiled.Count > 0 ? compiled : null;
    }

    private Condition? Compile(Principal principal, FieldPath path, bool whenInDoubt)
    {
        switch (principal.IdentifierCase)
        {
            case Principal.IdentifierOneofCase.AndIds:
                return All(principal.AndIds.Ids, path.Field("and_ids").Field("ids"), whenInDoubt) is { } all ? AllCondition.Of(all) : null;
            case Principal.IdentifierOneofCase.OrIds:
                return Any(principal.OrIds.Ids, path.Field("or_ids").Field("ids"), whenInDoubt);
            case Principal.IdentifierOneofCase.NotId:
                return Compile(principal.NotId, path.Field("not_id"), !whenInDoubt) is { } inner ? new NotCondition(inner) : null;
            case Principal.IdentifierOneofCase.Any:
                return principal.Any ? AlwaysCondition.Instance : conditions.Refuse(path.Field("any"), "must be true");
            case Principal.IdentifierOneofCase.Authenticated:
                return Authenticated(principal.Authenticated, path.Field("authenticated"));
            case Principal.IdentifierOneofCase.SourceIp:
                return conditions.Address(AddressSubject.ConnectionRemote, principal.SourceIp, path.Field("source_ip"));
            case Principal.IdentifierOneofCase.DirectRemoteIp:
                return conditions.Address(AddressSubject.DirectRemote, principal.DirectRemoteIp, path.Field("direct_remote_ip"));
            case Principal.IdentifierOneofCase.RemoteIp:
                return conditions.Address(AddressSubject.Remote, principal.RemoteIp, path.Field("remote_ip"));
            case Principal.IdentifierOneofCase.Header:
                return conditions.Header(principal.Header, path.Field("header"), whenInDoubt);
            case Principal.IdentifierOneofCase.UrlPath:
                return conditions.Path(principal.UrlPath, path.Field("url_path"), whenInDoubt);
            case Principal.IdentifierOneofCase.Metadata:
                return conditions.Metadata(principal.Metadata, path.Field("metadata"), whenInDoubt);
            case Principal.IdentifierOneofCase.SourcedMetadata:
                return conditions.Metadata(principal.SourcedMetadata, path.Field("sourced_metadata"), whenInDoubt);
            case Principal.IdentifierOneofCase.FilterState:
                return FilterState(principal.FilterState, path.Field("filter_state"));
            case Principal.IdentifierOneofCase.Custom:
                return conditions.Refuse(path.Field("custom"), $"the principal '{principal.Custom.Name}' is not supported");
            default:
                return conditions.Refuse(path, "needs an identifier");
        }
    }

    private AuthenticatedCondition? Authenticated(Principal.Types.Authenticated authenticated, FieldPath path)
    {
        if (authenticated.PrincipalName is null) return new AuthenticatedCondition(null);
        return StringMatchers.Compile(authenticated.PrincipalName, path.Field("principal_name"), conditions.Errors) is { } name
            ? new AuthenticatedCondition(name, ConditionCompiler.ExactOf(authenticated.PrincipalName))
            : null;
    }

    private Condition? FilterState(Envoy.Type.Matcher.V3.FilterStateMatcher matcher, FieldPath path)
    {
        if (matcher.Key != PeerPrincipalKey) return conditions.Refuse(path.Field("key"), $"'{matcher.Key}' is not supported (supported: {PeerPrincipalKey})");
        if (matcher.StringMatch is null) return conditions.Refuse(path.Field("string_match"), "is required");
        return StringMatchers.Compile(matcher.StringMatch, path.Field("string_match"), conditions.Errors) is { } name ? new PeerPrincipalCondition(name, ConditionCompiler.ExactOf(matcher.StringMatch)) : null;
    }
}
