namespace Lateen.Net;

/// <summary>How many connections may be open at a time, shared by the listeners that are told so, on whichever reactor.</summary>
/// <param name="most">Count, at least 1.</param>
/// <remarks>Any thread. Two interlocked steps in the life of a connection, none on its way.</remarks>
public sealed class ConnectionBudget(long most)
{
    private long _open;

    /// <summary>Connections that are open now.</summary>
    public long Open => Interlocked.Read(ref _open);

    /// <summary>Takes a place; false when there is none. Pairs with <see cref="Return"/>.</summary>
    internal bool TryTake()
    {
        if (Interlocked.Increment(ref _open) <= most) return true;
        Interlocked.Decrement(ref _open);
        return false;
    }

    internal void Return() => Interlocked.Decrement(ref _open);
}
