using System.Diagnostics.CodeAnalysis;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tls;
using Lateen.Xds;

namespace Lateen.Proxy.Identity;

/// <summary>The identity as TLS contexts know it: the secrets <c>default</c> and <c>ROOTCA</c>, made of what the authority answered and the control plane said.</summary>
/// <remarks>Configuration thread only, but for <see cref="Bundle"/>. What is replaced concerns connections that are made afterwards; none is dropped.</remarks>
internal sealed class IdentityStore(SecretStore secrets, ResourceLedger ledger)
{
    private IdentityTrust? _trust;
    private volatile MeshRoots? _bundle;

    /// <summary>The proxy has an identity, whether or not it has been confirmed yet.</summary>
    [MemberNotNullWhen(true, nameof(_trust))]
    public bool IsOpen => _trust is not null;

    /// <summary>What the mesh is trusted by; null before the first answer. Any thread may read it.</summary>
    public MeshRoots? Bundle => _bundle;

    /// <summary>The bootstrap claims an identity.</summary>
    public void Open() => _trust = new IdentityTrust();

    /// <summary>Takes a new certificate into use, and the roots that came with it.</summary>
    /// <returns>Why not; null when both are in use.</returns>
    public string? TryInstall(WorkloadCredentials credentials, MeshRoots roots)
    {
        // Order matters: whoever shows the new certificate must already trust those who have one like it.
        if (!_trust!.TryTakeAnswer(roots, out var reason)) return reason;
        var errors = new ConfigurationErrors();
        ShowRoots(errors);
        var secret = new Secret
        {
            Name = IdentitySecrets.Certificate,
            TlsCertificate = new TlsCertificate
            {
                CertificateChain = new DataSource { InlineBytes = UnsafeByteOperations.UnsafeWrap(credentials.ChainPem) },
                PrivateKey = new DataSource { InlineBytes = UnsafeByteOperations.UnsafeWrap(credentials.KeyPem) },
            },
        };
        Show(secret, credentials.Certificate.Leaf.Serial, errors);
        return errors.Any ? errors.ToString() : null;
    }

    /// <summary>Takes the control plane's bundle of roots.</summary>
    public void TakeRoots(Secret secret, ConfigurationErrors errors)
    {
        var context = secret.ValidationContext;
        var path = FieldPath.Root.Field("validation_context");
        if (context is null)
        {
            errors.Add(path, $"is required: '{IdentitySecrets.Roots}' holds roots");
            return;
        }

        if (context.TrustedCa is null or { SpecifierCase: DataSource.SpecifierOneofCase.Filename or DataSource.SpecifierOneofCase.None })
        {
            errors.Add(path.Field("trusted_ca"), "must hold the roots themselves, inline");
            return;
        }

        if (!context.Equals(new CertificateValidationContext { TrustedCa = context.TrustedCa }))
            errors.Add(path, "only trusted_ca is supported in the mesh's roots; what else is demanded of peers stands in the context that names them");
        var pem = System.Text.Encoding.UTF8.GetString(TlsMaterial.Bytes(context.TrustedCa).Span);
        if (errors.Any) return;
        if (_trust!.TryTakeWord(pem, out var reason)) ShowRoots(errors);
        else errors.Add(path.Field("trusted_ca"), reason);
    }

    private void ShowRoots(ConfigurationErrors errors)
    {
        var bundle = _trust!.Bundle!;
        if (bundle.Equals(_bundle)) return;
        var secret = new Secret
        {
            Name = IdentitySecrets.Roots,
            ValidationContext = new CertificateValidationContext { TrustedCa = new DataSource { InlineBytes = UnsafeByteOperations.UnsafeWrap(bundle.Pem) } },
        };
        if (Show(secret, bundle.Fingerprint[..16], errors)) _bundle = bundle;
    }

    private bool Show(Secret secret, string version, ConfigurationErrors errors)
    {
        var isTaken = secrets.TryAcceptIdentity(secret, errors);
        var shown = SecretRedaction.Of(secret.ToByteString(), XdsTypeUrls.Secret);
        if (isTaken)
        {
            ledger.Accepted(secret.Name, version, shown);
            ledger.Activated(secret.Name);
        }
        else
        {
            ledger.Refused(secret.Name, version, shown, errors.ToString());
        }

        return isTaken;
    }
}
