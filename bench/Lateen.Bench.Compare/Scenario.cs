namespace Lateen.Bench.Compare;

/// <summary>What stands behind the proxies.</summary>
internal enum UpstreamKind
{
    /// <summary>Lateen.Bench.Upstream: 64 bytes to each HTTP/1.1 request.</summary>
    FixedAnswer,

    /// <summary>Lateen.Bench.Upstream as a source and sink of bytes.</summary>
    Bulk,

    /// <summary>nginx, 64 bytes to each HTTP/1.1 request, over TLS 1.3.</summary>
    Tls,

    /// <summary>Kestrel, gRPC over HTTP/2 without TLS.</summary>
    Grpc,
}

/// <summary>What a proxy may cost beside a peer in the same run.</summary>
/// <param name="Peer">Whose figure is the measure.</param>
/// <param name="Figure">CPU per unit (at most), or units per second (at least).</param>
/// <param name="Limit">The bound of lateen's figure divided by the peer's.</param>
internal sealed record Budget(string Peer, BudgetFigure Figure, double Limit);

/// <summary>The figure that a budget is about.</summary>
internal enum BudgetFigure
{
    /// <summary>CPU time per unit: at most the limit.</summary>
    CpuPerUnit,

    /// <summary>Units per second: at least the limit.</summary>
    PerSecond,
}

/// <summary>One comparison: the same work for each proxy that can do it.</summary>
internal sealed record Scenario
{
    public required string Name { get; init; }

    /// <summary>What is done, for the head of the table.</summary>
    public required string Title { get; init; }

    /// <summary>What is counted: a request, a connection, a MB (2^20 bytes).</summary>
    public string Unit { get; init; } = "request";

    /// <summary>Folder under bench/peers; a configuration that it lacks is taken from http1.</summary>
    public required string Peers { get; init; }

    public UpstreamKind Upstream { get; init; } = UpstreamKind.FixedAnswer;

    /// <summary>Who can do it.</summary>
    public IReadOnlyList<string> Proxies { get; init; } = ["lateen", "nginx", "haproxy"];

    public IReadOnlyList<Budget> Budgets { get; init; } = [];

    /// <summary>Keep-alive connections, where the scenario is about their number; else the option's.</summary>
    public int? Connections { get; init; }

    /// <summary>One round of one proxy.</summary>
    public required Func<Contender, CompareOptions, Task<Measurement>> Measure { get; init; }
}
