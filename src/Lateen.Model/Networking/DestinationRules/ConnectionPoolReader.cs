using Lateen.Model.Reading;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.DestinationRules;

/// <summary>Reads connection pool settings.</summary>
internal static class ConnectionPoolReader
{
    public static readonly MessageShape KeepaliveShape = new("TcpKeepalive", InEffect("probes"), InEffect("time"), InEffect("interval"));

    public static readonly MessageShape TcpShape = new(
        "TCPSettings",
        InEffect("maxConnections"), InEffect("connectTimeout"), InEffect("tcpKeepalive", KeepaliveShape),
        InEffect("maxConnectionDuration"), InEffect("idleTimeout"));

    public static readonly MessageShape Http2KeepaliveShape = new("ConnectionKeepalive", InEffect("interval"), InEffect("timeout"));

    public static readonly MessageShape HttpShape = new(
        "HTTPSettings",
        InEffect("http1MaxPendingRequests"), InEffect("http2MaxRequests"), InEffect("maxRequestsPerConnection"), InEffect("maxRetries"),
        InEffect("idleTimeout"), InEffect("h2UpgradePolicy"), InEffect("useClientProtocol"), InEffect("maxConcurrentStreams"),
        InEffect("http2KeepAlive", Http2KeepaliveShape));

    public static readonly MessageShape Shape = new("ConnectionPoolSettings", InEffect("tcp", TcpShape), InEffect("http", HttpShape));

    public static ConnectionPoolSettings Read(ObjectReader at)
    {
        if (!at.Has("tcp") && !at.Has("http"))
            at.ReportHere(DiagnosticCodes.EmptyPolicy, "the connection pool says nothing", "write tcp, http or both");
        return new ConnectionPoolSettings { Tcp = at.Object("tcp", ReadTcp), Http = at.Object("http", ReadHttp) };
    }

    private static TcpConnectionPool ReadTcp(ObjectReader at) => new()
    {
        MaxConnections = at.Int32("maxConnections", 0),
        ConnectTimeout = at.Duration("connectTimeout"),
        TcpKeepalive = at.Object("tcpKeepalive", ReadKeepalive),
        MaxConnectionDuration = at.Duration("maxConnectionDuration"),
        IdleTimeout = at.Duration("idleTimeout", zeroAllowed: true),
    };

    private static HttpConnectionPool ReadHttp(ObjectReader at)
    {
        var pool = new HttpConnectionPool
        {
            Http1MaxPendingRequests = at.Int32("http1MaxPendingRequests", 0),
            Http2MaxRequests = at.Int32("http2MaxRequests", 0),
            MaxRequestsPerConnection = at.Int32("maxRequestsPerConnection", 0),
            MaxRetries = at.Int32("maxRetries", 0),
            IdleTimeout = at.Duration("idleTimeout", zeroAllowed: true),
            H2UpgradePolicy = at.Enum(
                "h2UpgradePolicy", ("DEFAULT", H2UpgradePolicy.Default), ("DO_NOT_UPGRADE", H2UpgradePolicy.DoNotUpgrade),
                ("UPGRADE", H2UpgradePolicy.Upgrade)) ?? H2UpgradePolicy.Default,
            UseClientProtocol = at.Boolean("useClientProtocol") ?? false,
            MaxConcurrentStreams = at.Int32("maxConcurrentStreams", 0),
            Http2KeepAlive = at.Object("http2KeepAlive", ReadHttp2Keepalive),
        };
        if (pool is { UseClientProtocol: true, H2UpgradePolicy: H2UpgradePolicy.Upgrade })
            at.Report(
                DiagnosticCodes.ExclusiveFields, "h2UpgradePolicy", "'UPGRADE' and 'useClientProtocol' exclude each other",
                "keep one of them");
        return pool;
    }

    public static TcpKeepalive ReadKeepalive(ObjectReader at) => new()
    {
        Probes = at.UInt32("probes"),
        Time = at.Duration("time", wholeSeconds: true),
        Interval = at.Duration("interval", wholeSeconds: true),
    };

    private static Http2Keepalive? ReadHttp2Keepalive(ObjectReader at)
    {
        at.Require("interval");
        at.Require("timeout");
        var interval = at.Duration("interval");
        var timeout = at.Duration("timeout");
        return interval is null || timeout is null ? null : new Http2Keepalive(interval.Value, timeout.Value);
    }
}
