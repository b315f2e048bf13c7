using Lateen.Model.Networking.WorkloadEntries;
using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;

namespace Lateen.Model.Networking.ServiceEntries;

/// <summary>Hosts of a ServiceEntry.</summary>
internal static class ServiceEntryHostRules
{
    public static void Check(ServiceEntry entry, ObjectReader at)
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < entry.Hosts.Length; i++)
        {
            var host = entry.Hosts[i];
            if (!seen.Add(host.ToLowerInvariant()))
                at.ReportItem(DiagnosticCodes.OverlappingHosts, "hosts", i, $"'{host}' is written twice", "remove one");
            if (host == "*")
            {
                at.ReportItem(DiagnosticCodes.BareWildcard, "hosts", i, "'*' would be every host there is", "a suffix: *.example.com");
                continue;
            }

            if (!HostName.IsWildcard(host)) continue;
            if (host.Length > 1 && host[1] != '.')
                at.ReportItem(
                    DiagnosticCodes.PartialWildcard, "hosts", i, $"'{host}': only whole labels are matched on every path", "*.example.com");
            if (entry.Resolution == ServiceEntryResolution.None)
                at.ReportNotInEffect("hosts", $"the wildcard '{host}' is valid, but this release reaches single names only", item: i);
            else if (entry.Resolution != ServiceEntryResolution.DynamicDns)
                at.ReportItem(
                    DiagnosticCodes.WildcardResolution, "hosts", i, $"'{host}' has no one address to resolve to", "resolution NONE or DYNAMIC_DNS");
        }

        if (entry.Resolution == ServiceEntryResolution.DynamicDns && entry.Hosts.Any(host => !HostName.IsWildcard(host)))
            at.Report(
                DiagnosticCodes.InvalidDynamicDns, "resolution", "DYNAMIC_DNS is for wildcard hosts", "resolution DNS for single names");
    }
}

/// <summary>Ports of a ServiceEntry.</summary>
internal static class ServiceEntryPortRules
{
    public static void Check(ServiceEntry entry, ObjectReader at)
    {
        var names = new HashSet<string>();
        var numbers = new HashSet<int>();
        for (var i = 0; i < entry.Ports.Length; i++)
        {
            var port = entry.Ports[i];
            if (port.Name.Length > 0 && !names.Add(port.Name))
                at.ReportItem(DiagnosticCodes.DuplicatePort, "ports", i, $"the port name '{port.Name}' is used twice", "rename one");
            if (!PortProtocols.IsServed(port.Protocol))
                at.ReportNotInEffect("ports", PortProtocols.NotServed(port.Protocol), item: i);
            if (!numbers.Add(port.Number))
                at.ReportItem(DiagnosticCodes.DuplicatePort, "ports", i, $"the port {port.Number} is declared twice", "remove one");
            if (port.TargetPort is not null && entry.Resolution == ServiceEntryResolution.None)
                at.ReportItem(
                    DiagnosticCodes.TargetPortUnused, "ports", i, "with resolution NONE the port that the client asked for is used",
                    "remove targetPort");
        }

        if (at.Lacks("ports"))
            at.Report(DiagnosticCodes.NoPorts, "ports", "without ports the hosts cannot be reached", "declare each port that clients use");
        if (entry.Resolution == ServiceEntryResolution.DynamicDns
            && entry.Ports.Any(port => !port.Protocol.IsHttp() && !port.Protocol.IsTls()))
            at.Report(
                DiagnosticCodes.InvalidDynamicDns, "ports", "DYNAMIC_DNS needs a host in every request",
                "protocols HTTP, HTTP2, GRPC and TLS");
    }
}

/// <summary>Virtual addresses of a ServiceEntry.</summary>
internal static class ServiceEntryAddressRules
{
    public static void Check(ServiceEntry entry, ObjectReader at)
    {
        for (var i = 0; i < entry.Addresses.Length; i++)
        {
            var address = entry.Addresses[i];
            if (!HostSyntax.IsAddressOrCidr(address))
                at.ReportItem(DiagnosticCodes.InvalidAddress, "addresses", i, $"'{address}' is not an address", "IP or CIDR");
            else if (address.Contains('/') && entry.Resolution is not (ServiceEntryResolution.None or ServiceEntryResolution.Static))
                at.ReportItem(DiagnosticCodes.InvalidAddress, "addresses", i, $"the block '{address}' needs resolution NONE or STATIC");
        }

        if (entry.Resolution == ServiceEntryResolution.DynamicDns && !entry.Addresses.IsEmpty)
            at.Report(DiagnosticCodes.InvalidDynamicDns, "addresses", "DYNAMIC_DNS takes no addresses");
        SharedTcpPortHasAddresses(entry, at);
    }

    /// <summary>Two hosts behind one opaque port can be told apart by address alone.</summary>
    private static void SharedTcpPortHasAddresses(ServiceEntry entry, ObjectReader at)
    {
        if (entry.Hosts.Length < 2 || !entry.Addresses.IsEmpty || entry.Resolution == ServiceEntryResolution.None) return;
        for (var i = 0; i < entry.Ports.Length; i++)
            if (entry.Ports[i].Protocol is PortProtocol.Tcp or PortProtocol.Mongo or PortProtocol.Redis or PortProtocol.MySql)
                at.ReportItem(
                    DiagnosticCodes.AmbiguousTcp, "ports", i, "several hosts share an opaque TCP port, and nothing tells them apart",
                    "give addresses, or one ServiceEntry per host");
    }
}

/// <summary>Endpoints of a ServiceEntry.</summary>
internal static class ServiceEntryEndpointRules
{
    public static void Check(ServiceEntry entry, ObjectReader at)
    {
        switch (entry.Resolution)
        {
            case ServiceEntryResolution.None when !entry.Endpoints.IsEmpty:
                at.Report(
                    DiagnosticCodes.EndpointResolution, "endpoints", "with resolution NONE nothing is sent to endpoints",
                    "resolution STATIC or DNS");
                break;
            case ServiceEntryResolution.None when entry.WorkloadSelector is not null:
                at.Report(
                    DiagnosticCodes.SelectorUnused, "workloadSelector", "with resolution NONE nothing is sent to endpoints",
                    "resolution STATIC");
                break;
            case ServiceEntryResolution.Static when entry.Endpoints.IsEmpty && entry.WorkloadSelector is null && !at.Has("endpoints"):
                at.Report(
                    DiagnosticCodes.NoEndpoints, "resolution", "STATIC without endpoints reaches nothing",
                    "write endpoints or workloadSelector");
                break;
            case ServiceEntryResolution.DnsRoundRobin when entry.Endpoints.Length > 1:
                at.Report(
                    DiagnosticCodes.EndpointResolution, "endpoints", "DNS_ROUND_ROBIN resolves one name",
                    "one endpoint, or resolution DNS");
                break;
            case ServiceEntryResolution.DynamicDns when !entry.Endpoints.IsEmpty || entry.WorkloadSelector is not null:
                at.Report(DiagnosticCodes.InvalidDynamicDns, "resolution", "DYNAMIC_DNS takes no endpoints and no workloadSelector");
                break;
        }

        if (entry.Resolution == ServiceEntryResolution.DynamicDns)
            at.Report(DiagnosticCodes.NotInEffect, "resolution", "DYNAMIC_DNS is valid, but this release does not act on it yet");
        var ports = entry.Ports.Select(port => port.Name).ToHashSet();
        for (var i = 0; i < entry.Endpoints.Length; i++)
        {
            foreach (var (name, _) in entry.Endpoints[i].Ports)
                if (!ports.Contains(name))
                    at.ReportItem(
                        DiagnosticCodes.EndpointPort, "endpoints", i, $"the port name '{name}' is none of the ServiceEntry's ports",
                        DidYouMean.Hint(name, ports) ?? $"one of {string.Join(", ", ports.Order(StringComparer.Ordinal))}");
            AddressFitsResolution(entry, i, at);
        }
    }

    private static void AddressFitsResolution(ServiceEntry entry, int index, ObjectReader at)
    {
        var address = entry.Endpoints[index].Address;
        if (address.Length == 0) return;
        var isUnix = address.StartsWith(WorkloadEntryReader.UnixPrefix, StringComparison.Ordinal);
        if (isUnix && entry.Resolution is not ServiceEntryResolution.Static)
            at.ReportItem(DiagnosticCodes.EndpointResolution, "endpoints", index, "a unix socket needs resolution STATIC");
        if (isUnix && entry.Ports.Length > 1)
            at.ReportItem(DiagnosticCodes.EndpointResolution, "endpoints", index, "a unix socket serves one port, several are declared");
        if (entry.Resolution == ServiceEntryResolution.Static && !isUnix && !HostSyntax.IsAddress(address))
            at.ReportItem(
                DiagnosticCodes.EndpointResolution, "endpoints", index, $"'{address}' is a name, STATIC needs an IP address",
                "resolution DNS");
    }
}
