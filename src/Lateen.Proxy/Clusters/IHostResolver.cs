using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Lateen.Proxy.Clusters;

/// <summary>Which addresses of a name are wanted (<c>dns_lookup_family</c>).</summary>
public enum HostFamily
{
    /// <summary>IPv6 if there is any, else IPv4: Envoy's AUTO.</summary>
    PreferV6,

    V4Only,

    V6Only,

    /// <summary>IPv4 if there is any, else IPv6.</summary>
    PreferV4,

    /// <summary>Both.</summary>
    All,
}

/// <summary>What became of a resolution.</summary>
/// <param name="Addresses">Sorted, so that an unchanged answer in another order is equal. Empty is a valid answer: the name has no
/// address.</param>
/// <param name="Failure">Why there is no answer; null when there is one.</param>
public sealed record HostResolution(ImmutableArray<IPAddress> Addresses, string? Failure = null)
{
    public bool Succeeded => Failure is null;
}

/// <summary>Turns names into addresses. Called from the configuration thread, answers from any.</summary>
public interface IHostResolver
{
    /// <summary>Never throws for a name that cannot be resolved: that is a value.</summary>
    ValueTask<HostResolution> ResolveAsync(string host, HostFamily family, CancellationToken cancellationToken);
}

/// <summary>
/// The system's resolver (<c>getaddrinfo</c>), which reads <c>/etc/hosts</c>, <c>resolv.conf</c> and all that the operator set up. It
/// tells no time to live.
/// </summary>
public sealed class SystemHostResolver : IHostResolver
{
    public async ValueTask<HostResolution> ResolveAsync(string host, HostFamily family, CancellationToken cancellationToken)
    {
        try
        {
            var wanted = family switch
            {
                HostFamily.V4Only => AddressFamily.InterNetwork,
                HostFamily.V6Only => AddressFamily.InterNetworkV6,
                _ => AddressFamily.Unspecified,
            };
            var addresses = await System.Net.Dns.GetHostAddressesAsync(host, wanted, cancellationToken).ConfigureAwait(false);
            return new HostResolution(Select(addresses, family));
        }
        catch (SocketException failure)
        {
            return new HostResolution([], failure.SocketErrorCode == SocketError.HostNotFound ? $"the name '{host}' is not known" : failure.Message);
        }
    }

    /// <summary>Keeps the addresses that <paramref name="family"/> asks for, each once and sorted.</summary>
    internal static ImmutableArray<IPAddress> Select(IEnumerable<IPAddress> addresses, HostFamily family)
    {
        var all = addresses.Distinct()
            .OrderBy(static address => address.AddressFamily)
            .ThenBy(static address => address.ToString(), StringComparer.Ordinal)
            .ToList();
        var v4 = all.Where(static address => address.AddressFamily == AddressFamily.InterNetwork).ToImmutableArray();
        var v6 = all.Where(static address => address.AddressFamily == AddressFamily.InterNetworkV6).ToImmutableArray();
        return family switch
        {
            HostFamily.V4Only => v4,
            HostFamily.V6Only => v6,
            HostFamily.PreferV6 => v6.IsEmpty ? v4 : v6,
            HostFamily.PreferV4 => v4.IsEmpty ? v6 : v4,
            _ => [.. all],
        };
    }
}
