using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Routing;

/// <summary>All conditions of one route (<c>RouteMatch</c>). They are joined by "and" and tried from the cheapest to the dearest.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class RouteMatcher
{
    public required PathPredicate Path { get; init; }

    public HeaderPredicate[] Headers { get; init; } = [];

    public QueryPredicate[] Query { get; init; } = [];

    /// <summary>The share of requests that the route takes, in parts of <see cref="FractionBase"/>; null: all.</summary>
    public uint? Fraction { get; init; }

    /// <summary>100, 10,000 or 1,000,000.</summary>
    public uint FractionBase { get; init; } = 100;

    /// <summary>The route takes gRPC only: <c>content-type: application/grpc</c>, with a suffix or not.</summary>
    public bool IsGrpcOnly { get; init; }

    public bool IsMatch(in RequestView request, ReactorRandom random)
    {
        if (!Path.IsMatch(request.Path)) return false;
        if (IsGrpcOnly && !IsGrpc(request)) return false;
        foreach (var header in Headers)
        {
            if (!header.IsMatch(request)) return false;
        }

        foreach (var parameter in Query)
        {
            if (!parameter.IsMatch(request.Query)) return false;
        }

        return Fraction is not { } fraction || random.Below((ulong)FractionBase) < fraction;
    }

    private static bool IsGrpc(in RequestView request)
    {
        if (!request.Headers.TryGet(Lateen.Http.KnownHeader.ContentType, out var type) || !type.StartsWith("application/grpc"u8)) return false;
        return type.Length == 16 || type[16] is (byte)'+' or (byte)';';
    }
}
