using System.Net;
using Lateen.Translation;

namespace Lateen.ControlPlane.Serving;

/// <summary>
/// Private keys do not cross a network in the clear. This server speaks plaintext and takes a proxy's word for who it is, which is enough on one machine,
/// where whoever reaches the port could read the configuration as well; a proxy elsewhere gets everything but the content of Secrets. Over mutual TLS it gets
/// them wherever it is.
/// </summary>
internal static class SecretExposure
{
    private const string FromSecrets = "kubernetes://";

    /// <param name="peer">As gRPC writes it: <c>ipv4:127.0.0.1:40022</c>, <c>ipv6:[::1]:40022</c>, <c>unix:/path</c>.</param>
    /// <param name="isProven">The connection is mutual TLS.</param>
    public static ProxyResources Limit(ProxyResources resources, string peer, bool isProven)
    {
        if (isProven || resources.Secrets.All(secret => !IsOfSecret(secret.Name)) || IsLocal(peer)) return resources;
        return resources with
        {
            Secrets = [.. resources.Secrets.Where(secret => !IsOfSecret(secret.Name))],
            Notices = resources.Notices.Add("this proxy connects from another machine over plaintext, so it is given no content of Secrets: connections that need it "
                + "are refused; name files beside the proxy instead"),
        };
    }

    private static bool IsOfSecret(string name) => name.StartsWith(FromSecrets, StringComparison.Ordinal);

    private static bool IsLocal(string peer)
    {
        if (peer.StartsWith("unix:", StringComparison.Ordinal)) return true;
        int colon = peer.IndexOf(':');
        return colon >= 0 && IPEndPoint.TryParse(peer.AsSpan(colon + 1), out var address)
            && IPAddress.IsLoopback(address.Address.IsIPv4MappedToIPv6 ? address.Address.MapToIPv4() : address.Address);
    }
}
