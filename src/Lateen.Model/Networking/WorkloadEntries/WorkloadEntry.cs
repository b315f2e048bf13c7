namespace Lateen.Model.Networking;

/// <summary>Istio's WorkloadEntry: one endpoint, alone or inline in a ServiceEntry.</summary>
public sealed record WorkloadEntry
{
    /// <summary>IP address, DNS name, or <c>unix://</c> absolute path; empty only when <see cref="Network"/> is set.</summary>
    public string Address { get; init; } = "";

    /// <summary>Port numbers at this endpoint by the service's port name.</summary>
    public StringMap<int> Ports { get; init; } = StringMap<int>.Empty;

    public StringMap<string> Labels { get; init; } = StringMap<string>.Empty;

    public string? Network { get; init; }

    /// <summary><c>region/zone/subzone</c>.</summary>
    public string? Locality { get; init; }

    /// <summary>Share of traffic relative to the other endpoints; 0 and null mean 1.</summary>
    public uint? Weight { get; init; }

    public string? ServiceAccount { get; init; }
}
