using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Lateen.Discovery.Jwks;

/// <summary>
/// Where the control plane may connect on behalf of configuration. Whoever may write a policy names a URL in it; without this guard that person could make
/// the control plane speak to its own machine, to its private network, or to a cloud's metadata service, and tell by the answer what is there.
/// </summary>
/// <remarks>Addresses are judged after a name was resolved, and the judged address is the one that is connected to, so a name cannot change its mind between.</remarks>
public sealed class AddressGuard(ImmutableArray<IPNetwork> allowed)
{
    /// <summary>Only the public Internet.</summary>
    public static readonly AddressGuard PublicOnly = new([]);

    /// <summary>Networks that are nobody's on the Internet: RFC 6890 and what IANA's special-purpose registries added to it.</summary>
    private static readonly ImmutableArray<IPNetwork> NotPublic =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        }.Select(network => IPNetwork.Parse(network)),
    ];

    /// <summary>IPv6 addresses that carry an IPv4 address, with the place of its first byte: NAT64 (RFC 6052) and 6to4 (RFC 3056).</summary>
    private static readonly ImmutableArray<(IPNetwork Network, int Offset)> Carriers = [(IPNetwork.Parse("64:ff9b::/96"), 12), (IPNetwork.Parse("2002::/16"), 2)];

    /// <summary>True when the address is on the public Internet or in a network that the operator allowed.</summary>
    public bool Allows(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        // A scope only says through which interface.
        if (address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0) address = new IPAddress(address.GetAddressBytes());
        foreach (var network in allowed)
            if (network.Contains(address)) return true;
        foreach (var network in NotPublic)
            if (network.Contains(address)) return false;
        foreach (var (network, offset) in Carriers)
            if (network.Contains(address)) return Allows(new IPAddress(address.GetAddressBytes().AsSpan(offset, 4)));
        return true;
    }
}
