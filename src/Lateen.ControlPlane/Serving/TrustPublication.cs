using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Lateen.Identity;
using Lateen.Xds;

namespace Lateen.ControlPlane.Serving;

/// <summary>
/// The roots of the mesh as proxies are sent them: the secret <c>ROOTCA</c> over SDS, Istio's name. So new trust arrives without a new leaf. Written by whoever
/// holds the authority, read by the worker; the resource is made once per bundle.
/// </summary>
internal sealed class TrustPublication(TrustBundle bundle)
{
    /// <summary>The name under which proxies ask.</summary>
    public const string Name = "ROOTCA";

    private XdsResource _resource = Make(bundle);

    public XdsResource Resource => Volatile.Read(ref _resource);

    /// <summary>Takes another bundle; the caller then makes a revision, with which it goes out.</summary>
    /// <returns>False when the roots are the same.</returns>
    public bool Publish(TrustBundle bundle)
    {
        var next = Make(bundle);
        return Interlocked.Exchange(ref _resource, next).Version != next.Version;
    }

    private static XdsResource Make(TrustBundle bundle) => XdsResource.FromMessage(Name, new Secret
    {
        Name = Name,
        ValidationContext = new CertificateValidationContext { TrustedCa = new DataSource { InlineBytes = ByteString.CopyFromUtf8(bundle.ToPem()) } },
    });
}
