using System.Diagnostics.CodeAnalysis;

namespace Lateen.Proxy.Statistics;

/// <summary>One reactor's memory of peers by the bytes of their header, so that a peer is decoded once and recognised without
/// allocation afterwards.</summary>
/// <remarks>Owned by one thread. Peers choose the bytes, so it is bounded: when full it is emptied and fills again.</remarks>
internal sealed class PeerCache
{
    /// <summary>Peers remembered. Count; 1024 of them take about 1 MiB.</summary>
    public const int Capacity = 1024;

    private readonly Dictionary<byte[], MeshWorkload> _peers = new(Comparer.Instance);
    private readonly Dictionary<byte[], MeshWorkload>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;

    public PeerCache() => _bySpan = _peers.GetAlternateLookup<ReadOnlySpan<byte>>();

    public int Count => _peers.Count;

    /// <summary>The peer that sent this header; <see cref="MeshWorkload.Unknown"/> when the header cannot be read.</summary>
    public MeshWorkload Read(ReadOnlySpan<byte> header)
    {
        if (_bySpan.TryGetValue(header, out var known)) return known;
        var peer = PeerHeader.Decode(header);
        if (peer is null) return MeshWorkload.Unknown;
        if (_peers.Count >= Capacity) _peers.Clear();
        _peers.Add(header.ToArray(), peer);
        return peer;
    }

    private sealed class Comparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly Comparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
