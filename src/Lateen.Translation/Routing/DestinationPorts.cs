using Lateen.Model;
using Lateen.Model.Networking;

namespace Lateen.Translation.Routing;

/// <summary>
/// Finds the port that a destination means, and notes what it looked at, so that a memoised route knows when its ground has moved.
/// </summary>
internal sealed class DestinationPorts(Func<string, MeshService?> find)
{
    private readonly List<(string Host, MeshService? Service)> _seen = [];

    public int Resolve(Destination destination, int listenerPort)
    {
        if (destination.Port is { } port) return port;
        var service = find(destination.Host);
        _seen.Add((destination.Host, service));
        return service is { Ports: [var only] } ? only.Number : listenerPort;
    }

    /// <summary>What the answers so far depend on.</summary>
    public (string Host, MeshService? Service)[] Seen => [.. _seen];
}
