using System.Net;

namespace Lateen.Bench.LoadGenerator;

/// <summary>What load to make. At least one of <see cref="Duration"/> and <see cref="MaxRequests"/> bounds it; whichever comes first.</summary>
public sealed record LoadOptions
{
    /// <summary>Where connections go to.</summary>
    public required EndPoint Target { get; init; }

    /// <summary>Value of the Host header.</summary>
    public required string Host { get; init; }

    /// <summary>Request targets, sent in turn: paths, or absolute URLs when the target is a forward proxy.</summary>
    public IReadOnlyList<string> Paths { get; init; } = ["/"];

    public string Method { get; init; } = "GET";

    /// <summary>More header lines, each "name: value".</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>Keep-alive connections. Closed loop: each sends its next request when it has its answer.</summary>
    public int Connections { get; init; } = 64;

    /// <summary>Whether each request gets a connection of its own, closed when its answer is complete: the load is then of connections.</summary>
    public bool ConnectionPerRequest { get; init; }

    /// <summary>
    /// Requests per second, over all connections; 0 is the closed loop. Open loop: requests have their times in advance, one that finds no
    /// free connection waits in line, and latency counts from the intended time, so a stall is paid by all who should have been served in it.
    /// </summary>
    public double Rate { get; init; }

    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);

    public long MaxRequests { get; init; } = long.MaxValue;

    /// <summary>Load before the measurement begins; its answers are not counted, its failures are.</summary>
    public TimeSpan Warmup { get; init; } = TimeSpan.Zero;

    /// <summary>A request without its answer for this long has failed and its connection is closed.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Reactors that make the load, each with its share of connections and rate.</summary>
    public int Threads { get; init; } = 1;
}
