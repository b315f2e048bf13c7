using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Lateen.Identity;
using Lateen.Net.Tls;

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
internal sealed class IdentityTrust
{
    private MeshRoots? _told;

    /// <summary>Null before anybody has spoken.</summary>
    public MeshRoots? Bundle { get; private set; }

    /// <summary>Takes the roots of the authority's answer.</summary>
    /// <returns>False with the reason when the roots would be too many.</returns>
    public bool TryTakeAnswer(MeshRoots roots, [NotNullWhen(false)] out string? reason) => TrySettle(_told, roots, out reason);

    /// <summary>Takes the control plane's bundle.</summary>
    /// <returns>False with the reason when it holds anything but certificates of authorities; what was known stays.</returns>
    public bool TryTakeWord(string pem, [NotNullWhen(false)] out string? reason) =>
        MeshRoots.TryRead(pem, out var bundle, out reason) && TrySettle(bundle, null, out reason);

    private bool TrySettle(MeshRoots? told, MeshRoots? answered, [NotNullWhen(false)] out string? reason)
    {
        if (!MeshRoots.TryCreate([.. Certificates(told), .. Certificates(answered)], out var bundle, out reason)) return false;
        _told = told;
        Bundle = bundle;
        return true;
    }

    private static ImmutableArray<TlsCertificate> Certificates(MeshRoots? bundle) => bundle is null ? [] : bundle.Certificates;
}
