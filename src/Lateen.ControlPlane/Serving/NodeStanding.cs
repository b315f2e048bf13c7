namespace Lateen.ControlPlane.Serving;

/// <summary>What a proxy may have, after what it claims was held against what is known of the service account that its certificate proves.</summary>
/// <param name="Denial">Why it may not be served at all; null when it may.</param>
/// <param name="SecretsWithheld">Why it gets no content of Secrets; null when it gets what its configuration names.</param>
internal readonly record struct NodeStanding(string? Denial, string? SecretsWithheld)
{
    public static readonly NodeStanding Full = new(null, null);
}
