using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.WorkloadEntries;

/// <summary>Reads and checks a WorkloadEntry, alone or inline in a ServiceEntry.</summary>
internal static class WorkloadEntryReader
{
    public const string UnixPrefix = "unix://";

    public static readonly MessageShape Shape = new(
        "WorkloadEntry",
        InEffect("address"), InEffect("ports"), InEffect("labels"), Pending("network"), InEffect("locality"), InEffect("weight"),
        InEffect("serviceAccount"));

    public static WorkloadEntry Read(ObjectReader at)
    {
        var entry = new WorkloadEntry
        {
            Address = at.String("address") ?? "",
            Ports = ReadPorts(at),
            Labels = at.StringMap("labels"),
            Network = at.String("network"),
            Locality = at.String("locality"),
            Weight = at.UInt32("weight"),
            ServiceAccount = at.String("serviceAccount"),
        };
        LabelRules.Check(at, "labels", entry.Labels);
        AddressIsUsable(entry, at);
        LocalityHasThreeParts(entry, at);
        return entry;
    }

    private static StringMap<int> ReadPorts(ObjectReader at)
    {
        var ports = new Dictionary<string, int>();
        foreach (var (name, number) in at.NumberMap("ports"))
        {
            if (number is 0 or > 65535)
                at.ReportKey(DiagnosticCodes.InvalidPort, "ports", name, $"{number} is not a port number", "1 to 65535");
            else ports[name] = (int)number;
            if (!HostSyntax.IsLabel(name)) at.ReportKey(DiagnosticCodes.InvalidName, "ports", name, $"'{name}' is not a port name");
        }

        return ports.ToStringMap();
    }

    private static void AddressIsUsable(WorkloadEntry entry, ObjectReader at)
    {
        var address = entry.Address;
        if (address.Length == 0)
        {
            if (entry.Network is null or "")
                at.Report(
                    DiagnosticCodes.MissingField, "address", "WorkloadEntry needs 'address'", "it may be empty only where network is set");
        }
        else if (address.StartsWith(UnixPrefix, StringComparison.Ordinal))
        {
            if (address.Length == UnixPrefix.Length || address[UnixPrefix.Length] != '/')
                at.Report(DiagnosticCodes.InvalidAddress, "address", $"'{address}' is not an absolute path", "unix:///run/app.sock");
            if (entry.Ports.Count > 0)
                at.Report(DiagnosticCodes.ExclusiveFields, "ports", "a unix socket has no ports", "remove them");
        }
        else if (HostSyntax.Check(address, HostRule.Address) is { } complaint)
        {
            at.Report(
                DiagnosticCodes.InvalidAddress, "address", complaint.Message,
                complaint.Hint ?? "an IP address, a DNS name, or unix:///path");
        }
    }

    private static void LocalityHasThreeParts(WorkloadEntry entry, ObjectReader at)
    {
        if (entry.Locality is not { Length: > 0 } locality) return;
        var parts = locality.Split('/');
        if (parts.Length > 3 || parts.Any(part => part.Length == 0) || locality.Contains('*'))
            at.Report(DiagnosticCodes.InvalidLocality, "locality", $"'{locality}' is not a locality", "region/zone/subzone");
    }
}
