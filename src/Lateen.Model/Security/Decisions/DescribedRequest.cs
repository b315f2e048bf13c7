using System.Collections.Immutable;

namespace Lateen.Model.Security;

/// <summary>A request or connection as somebody describes it, to ask what policy would say. What is not said is not there.</summary>
public sealed record DescribedRequest
{
    /// <summary>False: a connection that nobody takes apart; then only addresses, ports, server name and the peer's identity count.</summary>
    public bool IsHttp { get; init; } = true;

    /// <summary>SPIFFE id of the peer, with or without its scheme; null: the peer showed no certificate.</summary>
    public string? Principal { get; init; }

    /// <summary>IP address of the peer of the connection.</summary>
    public string? SourceIp { get; init; }

    /// <summary>IP address of the original client; null: the peer's.</summary>
    public string? RemoteIp { get; init; }

    public string? DestinationIp { get; init; }

    public int? DestinationPort { get; init; }

    public string? ServerName { get; init; }

    public string Method { get; init; } = "GET";

    /// <summary>As the client sends it. It is normalised as the mesh settings say; what is left in it of two meanings is judged in both (ADR 0024).</summary>
    public string Path { get; init; } = "/";

    /// <summary>Value of the Host header, with or without a port.</summary>
    public string Host { get; init; } = "";

    /// <summary>By name in lower case; several values: the field is there several times.</summary>
    public StringMap<ImmutableArray<string>> Headers { get; init; } = StringMap<ImmutableArray<string>>.Empty;

    /// <summary>Claims of a token that was found good; none: the request has no token.</summary>
    public ImmutableArray<DescribedClaim> Claims { get; init; } = [];

    /// <summary>The values of a claim; empty when it is not there.</summary>
    public ImmutableArray<string> ClaimValues(params ReadOnlySpan<string> path)
    {
        foreach (var claim in Claims)
            if (claim.Path.AsSpan().SequenceEqual(path)) return claim.Values;
        return [];
    }
}

/// <summary>A claim, its steps from the outside in, and its value or values.</summary>
public sealed record DescribedClaim(ImmutableArray<string> Path, ImmutableArray<string> Values);
