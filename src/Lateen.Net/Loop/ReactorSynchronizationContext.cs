namespace Lateen.Net;

/// <summary>
/// Brings continuations of foreign awaits (a Task completed on another thread) back to their reactor.
/// </summary>
internal sealed class ReactorSynchronizationContext(Reactor reactor) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => reactor.PostItem(new WorkItem(d, state));

    /// <summary>Runs at once on the reactor itself.</summary>
    /// <exception cref="NotSupportedException">From another thread: waiting for a reactor would block the caller, and can deadlock.</exception>
    public override void Send(SendOrPostCallback d, object? state)
    {
        if (Reactor.Current != reactor)
            throw new NotSupportedException("A reactor is not waited for from another thread; use InvokeAsync.");
        d(state);
    }

    public override SynchronizationContext CreateCopy() => this;
}
