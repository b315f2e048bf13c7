using System.Net;
using Envoy.Config.Core.V3;

namespace Lateen.Xds.Client;

/// <summary>Settings of an <see cref="XdsClient"/>.</summary>
public sealed record XdsClientOptions
{
    /// <summary>Who we are; sent with the first request of every stream.</summary>
    public required Node Node { get; init; }

    /// <summary>
    /// Management servers, all equal: IP, DNS or unix-socket end points, plain HTTP/2. They are tried in turn; not empty.
    /// </summary>
    public required IReadOnlyList<EndPoint> Servers { get; init; }

    public XdsVariant Variant { get; init; } = XdsVariant.Delta;

    /// <summary>The <c>:authority</c> of the stream; the server's host and port when null.</summary>
    public string? Authority { get; init; }

    /// <summary>Metadata sent with the stream (<c>initial_metadata</c> of Envoy's GrpcService).</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Metadata { get; init; } = [];

    /// <summary>How long a connection attempt may take.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Quiet time after which the connection is probed by an HTTP/2 ping; without an answer within a third of it, the connection is
    /// dead. Finds a server whose machine vanished.
    /// </summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Octets of one response. A larger one ends the stream. 256 MiB hold a state of the world of 100,000 services.</summary>
    public int MaxResponseBytes { get; init; } = 256 * 1024 * 1024;

    public ReconnectDelay ReconnectDelay { get; init; } = new();

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Source of jitter; a test passes a seeded one.</summary>
    public Random Random { get; init; } = Random.Shared;
}

/// <summary>
/// How long to wait before the n-th attempt in a row: a time drawn evenly from zero to a ceiling that starts at <see cref="Base"/>
/// and doubles up to <see cref="Cap"/> ("full jitter"). After a control plane has died, a thousand proxies so come back spread over the
/// window rather than in waves.
/// </summary>
public sealed record ReconnectDelay
{
    public TimeSpan Base { get; init; } = TimeSpan.FromMilliseconds(500);

    public TimeSpan Cap { get; init; } = TimeSpan.FromSeconds(30);

    /// <param name="failures">Attempts that failed in a row, from 0.</param>
    /// <param name="random">Source of the draw.</param>
    public TimeSpan Next(int failures, Random random)
    {
        double ceiling = Math.Min(Cap.TotalSeconds, Base.TotalSeconds * Math.Pow(2, Math.Min(failures, 62)));
        return TimeSpan.FromSeconds(ceiling * random.NextDouble());
    }
}
