using System.Net;

namespace Lateen.Proxy.Listeners.Detection;

/// <summary>
/// What one reactor has learnt of the destinations behind a listener whose protocol nobody declared: whether clients speak HTTP or TLS there,
/// so that dialling the TCP upstream ahead of their first bytes would be in vain.
/// </summary>
/// <remarks>
/// Only the vain dial is remembered. Server-first protocols need no memory: their upstream is dialled at once, and what it says goes to the
/// client as it comes. So a wrong memory costs a silent client <see cref="Inspection.GraceMilliseconds"/>, once, and never a wrong protocol.
/// Owner thread only; bounded; an entry is believed for <see cref="LifeMilliseconds"/> after it was last confirmed.
/// </remarks>
internal sealed class ProtocolMemory
{
    /// <summary>Destinations remembered. Count. Hit: all is forgotten, and learnt anew by one dial each.</summary>
    private const int MaxDestinations = 1024;

    /// <summary>Milliseconds; a port that changes its protocol is a deployment, not a mood.</summary>
    private const long LifeMilliseconds = 60_000;

    private readonly Dictionary<EndPoint, long> _clientFirst = [];

    /// <summary>Clients of this destination were last seen to speak first, in a protocol that the TCP upstream does not get.</summary>
    public bool IsClientFirst(EndPoint destination, long now) =>
        _clientFirst.TryGetValue(destination, out long learntAt) && now - learntAt < LifeMilliseconds;

    public void NoteClientFirst(EndPoint destination, long now)
    {
        if (_clientFirst.Count >= MaxDestinations && !_clientFirst.ContainsKey(destination)) _clientFirst.Clear();
        _clientFirst[destination] = now;
    }

    /// <summary>The server spoke first, or the client spoke something else.</summary>
    public void Forget(EndPoint destination) => _clientFirst.Remove(destination);
}
