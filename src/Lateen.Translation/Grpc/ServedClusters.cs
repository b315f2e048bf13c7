namespace Lateen.Translation.Grpc;

/// <summary>
/// The clusters that a client is served, and which of them a table asked about, so that a memoised table knows when its ground has moved.
/// </summary>
/// <remarks>
/// A table names no other: gRPC waits for each cluster that it is told of, for 15 seconds when none comes, and the client on Node makes no call to
/// anybody before all of them have come or their time is up.
/// </remarks>
internal sealed class ServedClusters(IReadOnlySet<string> names)
{
    private readonly List<(string Name, bool IsServed)> _seen = [];

    public bool Contains(string name)
    {
        bool isServed = names.Contains(name);
        _seen.Add((name, isServed));
        return isServed;
    }

    /// <summary>What the answers so far depend on.</summary>
    public (string Name, bool IsServed)[] Seen => [.. _seen];
}
