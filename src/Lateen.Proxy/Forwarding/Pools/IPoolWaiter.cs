using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Forwarding.Pools;

/// <summary>Who waits for a connection. Linked into the pool's queue by its own fields, so that waiting and leaving are O(1) and allocate nothing.</summary>
internal interface IPoolWaiter
{
    IPoolWaiter? NextWaiter { get; set; }

    IPoolWaiter? PreviousWaiter { get; set; }

    /// <summary>What the connection wakes when it has news for this waiter.</summary>
    WakeSignal Signal { get; }

    /// <summary>The wait is over. Called with the stream that is the waiter's from now on; the waiter acts on its next turn.</summary>
    void OnStream(UpstreamStream stream);

    /// <summary>The wait is over without a stream.</summary>
    /// <param name="failure">Why.</param>
    /// <param name="reason">What the transport said, for logs.</param>
    void OnNoStream(Failure failure, string reason);
}
