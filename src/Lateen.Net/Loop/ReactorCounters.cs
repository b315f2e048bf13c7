namespace Lateen.Net;

/// <summary>
/// What a reactor counts. Plain fields, written by its thread alone; other threads read them through <see cref="Snapshot"/>.
/// </summary>
/// <remarks>Each value of a snapshot is whole (64-bit stores do not tear on 64-bit machines); together they are of nearly one moment.</remarks>
public sealed class ReactorCounters
{
    internal long TurnCount;
    internal long EventCount;
    internal long StaleEventCount;
    internal long PostedCount;
    internal long TimerCount;
    internal long AcceptedCount;
    internal long AcceptTransientCount;
    internal long AcceptPressureCount;
    internal long AcceptFatalCount;
    internal long ConnectedCount;
    internal long ConnectFailedCount;
    internal long OpenConnectionCount;
    internal long ReadCount;
    internal long WriteCount;
    internal long ReadByteCount;
    internal long WrittenByteCount;
    internal long UnhandledCount;

    internal ReactorCounters()
    {
    }

    /// <summary>The values of now, from any thread.</summary>
    public ReactorCountersSnapshot Snapshot() => new()
    {
        Turns = Volatile.Read(ref TurnCount),
        Events = Volatile.Read(ref EventCount),
        StaleEvents = Volatile.Read(ref StaleEventCount),
        PostedWork = Volatile.Read(ref PostedCount),
        TimersExpired = Volatile.Read(ref TimerCount),
        Accepted = Volatile.Read(ref AcceptedCount),
        AcceptTransientErrors = Volatile.Read(ref AcceptTransientCount),
        AcceptPressureErrors = Volatile.Read(ref AcceptPressureCount),
        AcceptFatalErrors = Volatile.Read(ref AcceptFatalCount),
        Connected = Volatile.Read(ref ConnectedCount),
        ConnectFailures = Volatile.Read(ref ConnectFailedCount),
        OpenConnections = Volatile.Read(ref OpenConnectionCount),
        Reads = Volatile.Read(ref ReadCount),
        Writes = Volatile.Read(ref WriteCount),
        BytesRead = Volatile.Read(ref ReadByteCount),
        BytesWritten = Volatile.Read(ref WrittenByteCount),
        UnhandledExceptions = Volatile.Read(ref UnhandledCount),
    };
}

/// <summary>Values of <see cref="ReactorCounters"/> at one time. Counts since the reactor began, except where said otherwise.</summary>
public readonly record struct ReactorCountersSnapshot
{
    /// <summary>Rounds of the loop: one epoll_wait each.</summary>
    public long Turns { get; init; }

    /// <summary>Readiness events from the kernel.</summary>
    public long Events { get; init; }

    /// <summary>Events dropped because their connection was closed earlier in the same batch.</summary>
    public long StaleEvents { get; init; }

    /// <summary>Pieces of posted work that ran.</summary>
    public long PostedWork { get; init; }

    public long TimersExpired { get; init; }

    public long Accepted { get; init; }

    /// <summary>Accept errors that concern one client only (ECONNABORTED and network errors of the pending connection).</summary>
    public long AcceptTransientErrors { get; init; }

    /// <summary>Accept errors that made a listener back off (EMFILE, ENFILE, ENOBUFS, ENOMEM).</summary>
    public long AcceptPressureErrors { get; init; }

    /// <summary>Accept errors that ended a listener.</summary>
    public long AcceptFatalErrors { get; init; }

    /// <summary>Connections that this side opened.</summary>
    public long Connected { get; init; }

    public long ConnectFailures { get; init; }

    /// <summary>Sockets open now, accepted and connected.</summary>
    public long OpenConnections { get; init; }

    /// <summary>recv calls.</summary>
    public long Reads { get; init; }

    /// <summary>send and sendmsg calls.</summary>
    public long Writes { get; init; }

    public long BytesRead { get; init; }

    public long BytesWritten { get; init; }

    /// <summary>Exceptions that escaped to the turn boundary. Each is a bug.</summary>
    public long UnhandledExceptions { get; init; }
}
