using System.Net;
using Lateen.Translation;

namespace Lateen.ControlPlane.Serving;

/// <summary>
/// Private keys do not cross a network in the clear, nor go to whoever says that they are his. The plaintext port takes a proxy's word for who it is: where the
/// control plane has an authority, by which proxies can prove it, no content of Secrets leaves through that port unless the operator says so; then, and without
/// an authority, it goes to proxies of the same machine alone. Over mutual TLS a proxy gets it wherever it is.
/// </summary>
/// <param name="isAllowed">Content of Secrets may leave through the plaintext port.</param>
internal sealed class SecretExposure(bool isAllowed)
{
    private const string FromSecrets = "kubernetes://";

    /// <summary>Whether any of them is of a Secret.</summary>
    public static bool IsNeededBy(ProxyResources resources) => resources.Secrets.Any(static secret => IsOfSecret(secret.Name));

    /// <summary>What goes out through the plaintext port.</summary>
    /// <param name="peer">As gRPC writes it: <c>ipv4:127.0.0.1:40022</c>, <c>ipv6:[::1]:40022</c>, <c>unix:/path</c>.</param>
    public ProxyResources Limit(ProxyResources resources, string peer)
    {
        if (!IsNeededBy(resources) || (isAllowed && IsLocal(peer))) return resources;
        return Without(resources, isAllowed
            ? "this proxy connects from another machine over plaintext, so it is given no content of Secrets: connections that need it are refused; name files beside the "
                + "proxy instead, or give it an identity (`lateen bootstrap --identity`)"
            : "this proxy connects over plaintext, which proves nobody, so it is given no content of Secrets: connections that need it are refused; give it an identity "
                + "(`lateen bootstrap --identity`), or run the control plane with --secrets-over-plaintext");
    }

    /// <summary>The same without the content of Secrets, and with the reason.</summary>
    public static ProxyResources Without(ProxyResources resources, string notice) => resources with
    {
        Secrets = [.. resources.Secrets.Where(static secret => !IsOfSecret(secret.Name))],
        Notices = resources.Notices.Add(notice),
    };

    private static bool IsOfSecret(string name) => name.StartsWith(FromSecrets, StringComparison.Ordinal);

    private static bool IsLocal(string peer)
    {
        if (peer.StartsWith("unix:", StringComparison.Ordinal)) return true;
        int colon = peer.IndexOf(':');
        return colon >= 0 && IPEndPoint.TryParse(peer.AsSpan(colon + 1), out var address)
            && IPAddress.IsLoopback(address.Address.IsIPv4MappedToIPv6 ? address.Address.MapToIPv4() : address.Address);
    }
}
