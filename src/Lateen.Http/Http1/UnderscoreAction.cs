namespace Lateen.Http;

/// <summary>Envoy's <c>headers_with_underscores_action</c>: servers that map <c>-</c> and <c>_</c> to one name can be deceived by them.</summary>
public enum UnderscoreAction : byte
{
    /// <summary>Keep them: Envoy's default.</summary>
    Allow = 0,

    /// <summary>Answer 400.</summary>
    RejectRequest,

    /// <summary>Take such fields out of the request.</summary>
    DropHeader,
}
