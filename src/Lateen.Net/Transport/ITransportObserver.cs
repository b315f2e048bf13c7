namespace Lateen.Net;

/// <summary>Hears of a connection's readiness as the kernel reports it.</summary>
public interface ITransportObserver
{
    /// <summary>
    /// The connection became readable or writable, the peer hung up, it may go on reading after its share of a turn, or this side closed it.
    /// Called on the reactor, inline in its turn; once the observer is taken off no more calls come.
    /// </summary>
    void OnReady(TransportConnection connection);
}
