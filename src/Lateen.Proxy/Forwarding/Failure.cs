namespace Lateen.Proxy.Forwarding;

/// <summary>Whose doing a failure is: the client's, the server's behind us, a rule's, the configuration's, or this proxy's own.</summary>
public enum FailureSide : byte
{
    Downstream,
    Upstream,
    Policy,
    Config,
    Local,
}

/// <summary>Where in the life of a connection or an exchange the failure came to light.</summary>
public enum FailurePhase : byte
{
    Accept,
    Handshake,
    Detect,
    RequestHead,
    Route,
    Connect,
    RequestBody,
    ResponseHead,
    ResponseBody,
    Drain,
}

/// <summary>What happened. Each value means one thing on every side and in every phase.</summary>
public enum FailureCause : byte
{
    /// <summary>The peer's bytes break the protocol.</summary>
    Malformed,

    /// <summary>The head is larger than the listener's bound, or has more fields.</summary>
    HeadTooLarge,

    /// <summary>The body is larger than a bound that a filter or a retry set.</summary>
    BodyTooLarge,

    /// <summary>A field name has an underscore and the configuration refuses that.</summary>
    UnderscoreInName,

    /// <summary>HTTP/1.1 without Host, RFC 9112 section 3.2.</summary>
    HostMissing,

    /// <summary>The path cannot be normalised as the configuration asks.</summary>
    PathRejected,

    /// <summary>HTTP/1.0 or older where the configuration does not accept it.</summary>
    VersionTooLow,

    /// <summary>An upgrade or CONNECT that no rule of the listener or the route allows.</summary>
    UpgradeRefused,

    /// <summary>No virtual host or no route matches.</summary>
    NoRoute,

    /// <summary>The route names a cluster that does not exist.</summary>
    NoCluster,

    /// <summary>The cluster has no endpoint that may be used.</summary>
    NoEndpoint,

    /// <summary>A circuit breaker or a full queue: more work than the configuration allows.</summary>
    Overflow,

    /// <summary>The peer refused the connection, or the network did.</summary>
    ConnectFailed,

    /// <summary>The connection was not there in time.</summary>
    ConnectTimeout,

    /// <summary>The peer closed or reset the connection.</summary>
    PeerClosed,

    /// <summary>The peer broke the protocol of the whole connection, which has ended under all of its streams (HTTP/2 GOAWAY of ours).</summary>
    ConnectionBroken,

    /// <summary>The peer refused the stream before it did anything (HTTP/2 REFUSED_STREAM).</summary>
    StreamRefused,

    /// <summary>The peer ended the stream before its time, and may have acted on it (HTTP/2 RST_STREAM).</summary>
    StreamReset,

    /// <summary>The request's head did not come in time.</summary>
    HeadTimeout,

    /// <summary>The whole request did not come in time.</summary>
    RequestTimeout,

    /// <summary>The route's deadline passed.</summary>
    RouteTimeout,

    /// <summary>One attempt's deadline passed.</summary>
    AttemptTimeout,

    /// <summary>Nothing moved in either direction for the stream's idle time.</summary>
    IdleTimeout,

    /// <summary>The connection or stream lived for as long as it may.</summary>
    DurationReached,

    /// <summary>A policy said no.</summary>
    Denied,

    /// <summary>The proxy is shutting down, or the listener is.</summary>
    Draining,

    /// <summary>A defect of this proxy, caught at the connection's edge.</summary>
    Defect,
}

/// <summary>An expected failure, as a value: who, when, what. Nothing on the request path throws for a peer's behaviour.</summary>
/// <remarks>What follows from a failure (status, flag, text, whether a retry may follow) is said in one place, <see cref="FailureMap"/>.</remarks>
/// <param name="Side">Whose doing it is.</param>
/// <param name="Phase">When it came to light.</param>
/// <param name="Cause">What happened.</param>
public readonly record struct Failure(FailureSide Side, FailurePhase Phase, FailureCause Cause)
{
    /// <summary>The client's request is not acceptable; found while its head was read.</summary>
    public static Failure Request(FailureCause cause) => new(FailureSide.Downstream, FailurePhase.RequestHead, cause);

    /// <summary>The client went away, or broke the protocol, in the given phase.</summary>
    public static Failure Downstream(FailurePhase phase, FailureCause cause) => new(FailureSide.Downstream, phase, cause);

    /// <summary>The server behind us failed in the given phase.</summary>
    public static Failure Upstream(FailurePhase phase, FailureCause cause) => new(FailureSide.Upstream, phase, cause);

    /// <summary>The configuration leads nowhere for this request.</summary>
    public static Failure Config(FailureCause cause) => new(FailureSide.Config, FailurePhase.Route, cause);

    public override string ToString() => $"{Side}/{Phase}/{Cause}";
}
