using System.Collections.Immutable;
using System.Net;
using Lateen.Model;

namespace Lateen.Translation.Outbound;

/// <summary>Under which names clients ask for a service's port: Istio's list, relative to the client's namespace.</summary>
internal static class VirtualHostDomains
{
    /// <param name="withoutPort">Also the bare names: the listener's own port says which port is meant, or the name alone does.</param>
    public static ImmutableArray<string> Of(MeshService service, int port, string clientNamespace, string clusterDomain, bool withoutPort)
    {
        var domains = ImmutableArray.CreateBuilder<string>();
        foreach (string name in Names(service, clientNamespace, clusterDomain))
        {
            if (withoutPort) domains.Add(name);
            domains.Add($"{name}:{port}");
        }

        return domains.ToImmutable();
    }

    /// <summary>Names for a host that no service has but a VirtualService names.</summary>
    public static ImmutableArray<string> OfUnknown(string host, int port) => host == "*" ? ["*"] : [host, $"{host}:{port}"];

    private static IEnumerable<string> Names(MeshService service, string clientNamespace, string clusterDomain)
    {
        yield return service.Hostname;
        if (!HostName.IsWildcard(service.Hostname)) yield return service.Hostname + ".";

        string suffix = $".{service.Namespace}.svc.{clusterDomain}";
        if (service.Hostname.EndsWith(suffix, StringComparison.Ordinal))
        {
            string name = service.Hostname[..^suffix.Length];
            if (service.Namespace == clientNamespace) yield return name;
            yield return $"{name}.{service.Namespace}";
            yield return $"{name}.{service.Namespace}.svc";
        }

        foreach (string address in service.Addresses)
        {
            // A range is not a name that a client can write in a Host header.
            if (!IPAddress.TryParse(address, out var ip)) continue;
            yield return ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{ip}]" : address;
        }
    }
}
