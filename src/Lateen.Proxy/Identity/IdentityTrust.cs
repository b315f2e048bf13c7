using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;
using Lateen.Identity;

namespace Lateen.Proxy.Identity;

/// <summary>
/// The roots that this proxy trusts in its mesh, from the two who may name them. The authority names those of its answers; the control plane names them
/// before anything is signed with a new one, and takes old ones away.
/// </summary>
/// <remarks>
/// The control plane's word is a whole bundle and replaces all that was known. What the authority names afterwards is added to it, until the control
/// plane speaks again; without a control plane, the authority's last answer counts. The result is never empty, and never more than
/// <see cref="TrustBundle.MaxRoots"/>. Configuration thread only.
/// </remarks>
internal sealed class IdentityTrust(TrustDomain domain)
{
    private TrustBundle? _told;

    /// <summary>Null before anybody has spoken.</summary>
    public TrustBundle? Bundle { get; private set; }

    /// <summary>Takes the roots of the authority's answer.</summary>
    /// <returns>False with the reason when the roots would be too many.</returns>
    public bool TryTakeAnswer(TrustBundle roots, [NotNullWhen(false)] out string? reason) => TrySettle(_told, roots, out reason);

    /// <summary>Takes the control plane's bundle.</summary>
    /// <returns>False with the reason when it holds anything but certificates of authorities; what was known stays.</returns>
    public bool TryTakeWord(string pem, [NotNullWhen(false)] out string? reason) =>
        TrustBundle.TryRead(domain, pem, out var bundle, out reason) && TrySettle(bundle, null, out reason);

    private bool TrySettle(TrustBundle? told, TrustBundle? answered, [NotNullWhen(false)] out string? reason)
    {
        if (!TrustBundle.TryCreate([domain], Certificates(told).Concat(Certificates(answered)), out var bundle, out reason)) return false;
        _told = told;
        Bundle = bundle;
        return true;
    }

    private static IEnumerable<X509Certificate2> Certificates(TrustBundle? bundle) => bundle is null ? [] : bundle.Roots.Select(static root => root.Certificate);
}
