namespace Lateen.Proxy.Listeners;

/// <summary>A client's connection at work, of whatever protocol, as its worker knows it: something that can be asked to come to an end.</summary>
/// <remarks>Owner thread only. Entered with <see cref="ProxyWorker.Enter"/> when it begins, left when it ends.</remarks>
internal interface IDownstreamSession
{
    /// <summary>The connections that drain together with this one.</summary>
    ListenerScope Scope { get; }

    /// <summary>Ends at the next good moment: at once when idle, after what is in progress otherwise. May be called more than once.</summary>
    void BeginDrain();

    /// <summary>Adds to the counters what moved since the last call; for sessions that live long and count at their end otherwise.</summary>
    void Tally()
    {
    }
}
