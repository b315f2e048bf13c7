using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Lateen.Proxy.Listeners.Chains;

/// <summary>
/// Values by address range, found by the longest prefix that holds the address: one lookup per prefix length that occurs, which are few.
/// </summary>
/// <remarks>Built on the configuration thread, immutable afterwards.</remarks>
internal sealed class AddressTable<T>
    where T : class
{
    private readonly Dictionary<(UInt128 Start, byte Length, bool IsV6), T> _ranges = [];
    private byte[] _lengthsV4 = [];
    private byte[] _lengthsV6 = [];

    /// <summary>Used where no range holds the address, and for peers without one; null: nothing is.</summary>
    public T? Any { get; private set; }

    /// <summary>The value of a range, made when it is new; a null range is every address.</summary>
    public T GetOrAdd(IPNetwork? range, Func<T> create)
    {
        if (range is not { } network) return Any ??= create();
        bool isV6 = network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
        var key = (Bits(network.BaseAddress), (byte)network.PrefixLength, isV6);
        if (_ranges.TryGetValue(key, out T? known)) return known;
        ref byte[] lengths = ref isV6 ? ref _lengthsV6 : ref _lengthsV4;
        if (!lengths.Contains(key.Item2)) lengths = [.. lengths.Append(key.Item2).OrderDescending()];
        return _ranges[key] = create();
    }

    public T? Find(IPAddress? address)
    {
        if (address is null || _ranges.Count == 0) return Any;
        bool isV6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        UInt128 bits = Bits(address);
        int width = isV6 ? 128 : 32;
        foreach (byte length in isV6 ? _lengthsV6 : _lengthsV4)
        {
            UInt128 start = length == 0 ? 0 : bits >> (width - length) << (width - length);
            if (_ranges.TryGetValue((start, length, isV6), out T? found)) return found;
        }

        return Any;
    }

    private static UInt128 Bits(IPAddress address)
    {
        Span<byte> octets = stackalloc byte[16];
        address.TryWriteBytes(octets, out int written);
        return written == 4 ? BinaryPrimitives.ReadUInt32BigEndian(octets) : BinaryPrimitives.ReadUInt128BigEndian(octets);
    }
}
