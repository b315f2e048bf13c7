using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Listeners;

/// <summary>Something that a network filter has to find out before it knows whether a connection may be served. The connection waits, and no thread does.</summary>
/// <remarks>Owned by one reactor; for one connection. <see cref="Start"/> once, then either <see cref="Conclude"/> or <see cref="Abandon"/> once.</remarks>
internal abstract class ConnectionQuestion
{
    /// <summary>There is an answer, or there will be none. Within bounded time after <see cref="Start"/>.</summary>
    public abstract bool IsOver { get; }

    /// <summary>Begins. It may be over when this returns; the owner is not woken for that.</summary>
    /// <param name="owner">Woken when it is over.</param>
    public abstract void Start(WakeSignal owner);

    /// <summary>Takes the answer. When it is over.</summary>
    /// <returns>True: the connection may go on. Otherwise the record says why not, and the connection is closed at once.</returns>
    public abstract bool Conclude();

    /// <summary>Breaks the question off, at whatever moment: nobody wants to know any more.</summary>
    public abstract void Abandon();
}
