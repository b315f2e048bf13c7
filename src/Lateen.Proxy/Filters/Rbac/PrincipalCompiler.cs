using Envoy.Config.Rbac.V3;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>Compiles principals: who may, or may not, do it.</summary>
internal sealed class PrincipalCompiler(ConditionCompiler conditions) : RuleCompiler<Principal>(conditions)
{
    /// <summary>The one object of filter state that there is: what Istio's rules call the peer's principal.</summary>
    private const string PeerPrincipalKey = "io.istio.peer_principal";

    protected override Condition? Compile(Principal principal, FieldPath path, bool whenInDoubt)
    {
        switch (principal.IdentifierCase)
        {
            case Principal.IdentifierOneofCase.AndIds:
                return All(principal.AndIds.Ids, path.Field("and_ids").Field("ids"), whenInDoubt);
            case Principal.IdentifierOneofCase.OrIds:
                return Any(principal.OrIds.Ids, path.Field("or_ids").Field("ids"), whenInDoubt);
            case Principal.IdentifierOneofCase.NotId:
                return Not(principal.NotId, path.Field("not_id"), whenInDoubt);
            case Principal.IdentifierOneofCase.Any:
                return Always(principal.Any, path.Field("any"));
            case Principal.IdentifierOneofCase.Authenticated:
                return Authenticated(principal.Authenticated, path.Field("authenticated"));
            case Principal.IdentifierOneofCase.SourceIp:
                return Conditions.Address(AddressSubject.ConnectionRemote, principal.SourceIp, path.Field("source_ip"));
            case Principal.IdentifierOneofCase.DirectRemoteIp:
                return Conditions.Address(AddressSubject.DirectRemote, principal.DirectRemoteIp, path.Field("direct_remote_ip"));
            case Principal.IdentifierOneofCase.RemoteIp:
                return Conditions.Address(AddressSubject.Remote, principal.RemoteIp, path.Field("remote_ip"));
            case Principal.IdentifierOneofCase.Header:
                return Conditions.Header(principal.Header, path.Field("header"), whenInDoubt);
            case Principal.IdentifierOneofCase.UrlPath:
                return Conditions.Path(principal.UrlPath, path.Field("url_path"), whenInDoubt);
            case Principal.IdentifierOneofCase.Metadata:
                return Conditions.Metadata(principal.Metadata, path.Field("metadata"), whenInDoubt);
            case Principal.IdentifierOneofCase.SourcedMetadata:
                return Conditions.Metadata(principal.SourcedMetadata, path.Field("sourced_metadata"), whenInDoubt);
            case Principal.IdentifierOneofCase.FilterState:
                return FilterState(principal.FilterState, path.Field("filter_state"));
            case Principal.IdentifierOneofCase.Custom:
                return Conditions.Refuse(path.Field("custom"), $"the principal '{principal.Custom.Name}' is not supported");
            default:
                return Conditions.Refuse(path, "needs an identifier");
        }
    }

    private AuthenticatedCondition? Authenticated(Principal.Types.Authenticated authenticated, FieldPath path)
    {
        if (authenticated.PrincipalName is null) return new AuthenticatedCondition(null);
        return StringMatchers.Compile(authenticated.PrincipalName, path.Field("principal_name"), Conditions.Errors) is { } name
            ? new AuthenticatedCondition(name, ConditionCompiler.ExactOf(authenticated.PrincipalName))
            : null;
    }

    private Condition? FilterState(Envoy.Type.Matcher.V3.FilterStateMatcher matcher, FieldPath path)
    {
        if (matcher.Key != PeerPrincipalKey) return Conditions.Refuse(path.Field("key"), $"'{matcher.Key}' is not supported (supported: {PeerPrincipalKey})");
        if (matcher.StringMatch is null) return Conditions.Refuse(path.Field("string_match"), "is required");
        return StringMatchers.Compile(matcher.StringMatch, path.Field("string_match"), Conditions.Errors) is { } name ? new PeerPrincipalCondition(name, ConditionCompiler.ExactOf(matcher.StringMatch)) : null;
    }
}
