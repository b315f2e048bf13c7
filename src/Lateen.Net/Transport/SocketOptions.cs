namespace Lateen.Net;

/// <summary>TCP keepalive (tcp(7)); null keeps the system's value. The kernel counts in whole seconds, so times are rounded up.</summary>
public sealed record KeepAliveOptions
{
    /// <summary>Idle time before the first probe (TCP_KEEPIDLE; 2 hours by default).</summary>
    public TimeSpan? Idle { get; init; }

    /// <summary>Time between probes (TCP_KEEPINTVL; 75 s by default).</summary>
    public TimeSpan? Interval { get; init; }

    /// <summary>Unanswered probes before the connection is dropped (TCP_KEEPCNT; 9 by default).</summary>
    public int? Probes { get; init; }
}

/// <summary>How a listening socket is made and how it accepts.</summary>
public sealed record ListenerOptions
{
    public static ListenerOptions Default { get; } = new();

    /// <summary>SO_REUSEPORT: several sockets share the port and the kernel spreads connections over them.</summary>
    public bool ReusePort { get; init; }

    /// <summary>Of a <see cref="ReactorGroup"/>: one socket that all reactors accept from, rather than one each that share the port by SO_REUSEPORT.</summary>
    public bool IsShared { get; init; }

    /// <summary>Connections that the kernel completes ahead of accept. Count; capped by net.core.somaxconn (4,096 by default).</summary>
    public int Backlog { get; init; } = 4096;

    /// <summary>TCP_NODELAY for accepted connections, which inherit it from the listener.</summary>
    public bool NoDelay { get; init; } = true;

    /// <summary>Keepalive for accepted connections; null is off.</summary>
    public KeepAliveOptions? KeepAlive { get; init; }

    /// <summary>IP_FREEBIND: the address need not be this host's yet.</summary>
    public bool FreeBind { get; init; }

    /// <summary>IP_TRANSPARENT: accept connections for foreign addresses (TPROXY). Needs CAP_NET_ADMIN.</summary>
    public bool Transparent { get; init; }

    /// <summary>An IPv6 listener takes IPv4 clients as well; their addresses read as IPv4.</summary>
    public bool Ipv4Compatible { get; init; }

    /// <summary>
    /// Accepted connections open at a time on this listener. Count. Hit: accepting pauses and clients wait in the backlog until one closes.
    /// </summary>
    public int MaxConnections { get; init; } = int.MaxValue;

    /// <summary>What this listener shares with others as a bound of open connections; null: nothing. Hit: a connection is closed as soon as it was accepted.</summary>
    public ConnectionBudget? Budget { get; init; }

    /// <summary>Told on the reactor about each connection that <see cref="Budget"/> had no place for. Must not throw.</summary>
    public Action<Reactor>? Refused { get; init; }

    /// <summary>
    /// At a unix path, the socket file that a dead process left is removed before binding, and ours on close. Anything else that is there,
    /// a socket that somebody listens on included, makes binding fail.
    /// </summary>
    public bool ReplaceSocketFile { get; init; } = true;
}

/// <summary>How a connection is opened.</summary>
public sealed record ConnectOptions
{
    public static ConnectOptions Default { get; } = new();

    /// <summary>Time to establish; 5 s as Envoy's <c>Cluster.connect_timeout</c>.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    public bool NoDelay { get; init; } = true;

    /// <summary>Null is off.</summary>
    public KeepAliveOptions? KeepAlive { get; init; }

    /// <summary>Address to connect from; port 0 leaves the port to the kernel. Null leaves both.</summary>
    public System.Net.EndPoint? Source { get; init; }
}
