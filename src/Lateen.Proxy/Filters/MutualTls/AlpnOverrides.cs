using System.Collections.Immutable;
using Lateen.Net.Tls;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Filters.MutualTls;

/// <summary>What a TLS handshake with an endpoint offers, by what will be spoken inside; default: what the cluster says.</summary>
/// <remarks>Immutable.</remarks>
public sealed class AlpnOverrides(ImmutableArray<AlpnProtocol> http1, ImmutableArray<AlpnProtocol> http2)
{
    private readonly AlpnProtocol[]? _http1 = http1.IsDefaultOrEmpty ? null : [.. http1];
    private readonly AlpnProtocol[]? _http2 = http2.IsDefaultOrEmpty ? null : [.. http2];

    /// <summary>Null: nothing is overridden, so where the handshake itself decides what is spoken.</summary>
    public IReadOnlyList<AlpnProtocol>? For(UpstreamProtocol protocol) => protocol switch
    {
        UpstreamProtocol.Http1 => _http1,
        UpstreamProtocol.Http2 => _http2,
        _ => null,
    };

    /// <summary>True when two connections offered the same. Protocols are compared by reference: there is one object per name.</summary>
    public static bool AreEqual(IReadOnlyList<AlpnProtocol>? left, IReadOnlyList<AlpnProtocol>? right)
    {
        if (ReferenceEquals(left, right)) return true;
        if (left is null || right is null || left.Count != right.Count) return false;
        for (int i = 0; i < left.Count; i++)
        {
            if (!ReferenceEquals(left[i], right[i])) return false;
        }

        return true;
    }
}
