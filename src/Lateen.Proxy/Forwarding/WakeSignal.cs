namespace Lateen.Proxy.Forwarding;

/// <summary>
/// What an exchange follows: bytes on either side, room on either side, a connection from the pool, a timer. Whoever has news calls
/// <see cref="Wake"/>; the exchange's owner looks at everything again.
/// </summary>
/// <remarks>
/// One thread, the reactor's. What is woken may run inside the call, so whoever wakes somebody is in a state in which it can be called
/// back. News that comes while the owner is at work is not lost.
/// </remarks>
internal abstract class WakeSignal
{
    public abstract void Wake();
}
