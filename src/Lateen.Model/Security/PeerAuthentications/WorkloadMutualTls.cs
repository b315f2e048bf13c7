using System.Collections.Immutable;

namespace Lateen.Model.Security;

/// <summary>What holds for the ports of one workload when the mesh's, its namespace's and its own policy are taken together. Immutable.</summary>
/// <param name="Mode">Of every port that has none of its own; never <see cref="MutualTlsMode.Unset"/>.</param>
/// <param name="Ports">Each port once; none is <see cref="MutualTlsMode.Unset"/>.</param>
public sealed record WorkloadMutualTls(MutualTlsMode Mode, ImmutableArray<PortMutualTls> Ports)
{
    /// <summary>What holds where nobody says anything: mutual TLS for who can, plaintext for who cannot.</summary>
    public static readonly WorkloadMutualTls Default = new(MutualTlsMode.Permissive, []);

    /// <summary>The mode of a port of the workload.</summary>
    public MutualTlsMode ForPort(int port)
    {
        foreach (var own in Ports)
            if (own.Port == port) return own.Mode;
        return Mode;
    }
}
