namespace Lateen.EndToEnd.Tests;

/// <summary>How the proxies of a mesh with a certificate authority come by their identities.</summary>
/// <param name="CertificateLifetime">As <c>lateen bootstrap --certificate-lifetime</c> takes it; null: the product's.</param>
/// <param name="TokenOf">The token that proves an account, in the place of the join token that <c>lateen bootstrap</c> wrote; null: that one.</param>
/// <param name="Up">More arguments of <c>lateen up</c>.</param>
internal sealed record IdentityOptions(string? CertificateLifetime = null, Func<string, string>? TokenOf = null, params string[] Up);
