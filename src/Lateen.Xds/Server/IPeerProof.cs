using Grpc.Core;

namespace Lateen.Xds.Server;

/// <summary>Knows what the transport of a port had its callers prove.</summary>
/// <remarks>Called from any thread.</remarks>
public interface IPeerProof
{
    /// <summary>Who the caller is; null when it has proved nothing, or what it proved is over.</summary>
    ProvenPeer? Prove(ServerCallContext context);

    /// <summary>Has the connection of a call take no more calls: over this one nothing else will be proved. What runs on it may end.</summary>
    void Retire(ServerCallContext context);
}

/// <summary>What a connection has proved.</summary>
/// <param name="Identity">The SPIFFE id of the client's certificate.</param>
/// <param name="Until">When the certificate ends, and with it the proof.</param>
public sealed record ProvenPeer(string Identity, DateTimeOffset Until);
