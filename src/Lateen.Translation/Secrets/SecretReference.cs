namespace Lateen.Translation.Secrets;

/// <summary>Where a secret that configuration names comes from.</summary>
internal enum SecretSource
{
    /// <summary>A certificate and its key in files beside the proxy.</summary>
    CertificateFiles,

    /// <summary>Roots in a file beside the proxy.</summary>
    RootFile,

    /// <summary>The certificate and key of a Secret.</summary>
    Credential,

    /// <summary>The roots of a Secret.</summary>
    CredentialRoots,
}

/// <summary>
/// A secret that a proxy is told to ask for, under Istio's name for it. The files of the first two are opened by the proxy and never seen here;
/// what the last two hold is looked up in the namespace of the proxy that asks.
/// </summary>
internal readonly record struct SecretReference(SecretSource Source, string First, string Second = "")
{
    /// <summary>What separates the roots of a credential from the credential.</summary>
    public const string RootsSuffix = "-cacert";

    private const string CredentialScheme = "kubernetes://";

    /// <summary>Roots asked for by the path <c>system</c> are those that the machine trusts.</summary>
    public const string SystemRoots = "system";

    public static SecretReference OfFiles(string certificate, string key) => new(SecretSource.CertificateFiles, certificate, key);

    /// <param name="crl">A file of revocation lists beside it; null or empty: none. The two are one secret, so that a proxy replaces them together.</param>
    public static SecretReference OfRootFile(string path, string? crl) => new(SecretSource.RootFile, path, crl ?? "");

    public static SecretReference OfCredential(string name) => new(SecretSource.Credential, Bare(name));

    public static SecretReference OfCredentialRoots(string name) => new(SecretSource.CredentialRoots, Bare(name));

    /// <summary><c>file-cert:CERT~KEY</c>, <c>file-root:PATH</c> (and <c>~CRL</c>), <c>kubernetes://NAME</c>, <c>kubernetes://NAME-cacert</c>.</summary>
    public string Name => Source switch
    {
        SecretSource.CertificateFiles => $"file-cert:{First}~{Second}",
        SecretSource.RootFile => Second.Length == 0 ? $"file-root:{First}" : $"file-root:{First}~{Second}",
        SecretSource.Credential => $"{CredentialScheme}{First}",
        _ => First.EndsWith(RootsSuffix, StringComparison.Ordinal) ? $"{CredentialScheme}{First}" : $"{CredentialScheme}{First}{RootsSuffix}",
    };

    private static string Bare(string name) => name.StartsWith(CredentialScheme, StringComparison.Ordinal) ? name[CredentialScheme.Length..] : name;
}
