using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>A range of addresses (<c>CidrRange</c>) whose test allocates nothing. An IPv4 address in IPv6 form counts as IPv4, on both sides.</summary>
internal readonly struct AddressRange
{
    /// <summary>Bits of <c>::ffff:0:0</c>, behind which an IPv4 address stands in IPv6 form.</summary>
    private const int MappedPrefixBits = 96;

    private readonly UInt128 _network;
    private readonly UInt128 _mask;
    private readonly bool _isV4;

    private AddressRange(UInt128 address, int prefixBits, bool isV4)
    {
        _isV4 = isV4;
        int bits = isV4 ? 32 : 128;
        _mask = prefixBits == 0 ? UInt128.Zero : (UInt128.MaxValue >> (128 - prefixBits)) << (bits - prefixBits);
        _network = address & _mask;
    }

    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    public static AddressRange? Compile(Envoy.Config.Core.V3.CidrRange range, FieldPath path, ConfigurationErrors errors)
    {
        // Four decimal numbers, as Envoy takes them: 010.0.0.0 would be read as 8.0.0.0.
        if (!IPAddress.TryParse(range.AddressPrefix, out IPAddress? address) || (address.AddressFamily == AddressFamily.InterNetwork && address.ToString() != range.AddressPrefix))
        {
            errors.Add(path.Field("address_prefix"), $"'{range.AddressPrefix}' is not an IP address");
            return null;
        }

        int longest = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        if (range.PrefixLen > (uint)longest)
        {
            errors.Add(path.Field("prefix_len"), $"{range.PrefixLen} is too long for {address}");
            return null;
        }

        int prefix = (int)(range.PrefixLen ?? 0);
        UInt128 bits = BitsOf(address, out bool isV4);
        if (isV4 && longest == 128)
        {
            if (prefix >= MappedPrefixBits) prefix -= MappedPrefixBits;
            else return new AddressRange(BitsOf(address), prefix, isV4: false);
        }

        return new AddressRange(bits, prefix, isV4);
    }

    public bool Contains(IPAddress? address)
    {
        if (address is null) return false;
        UInt128 bits = BitsOf(address, out bool isV4);
        return isV4 == _isV4 && (bits & _mask) == _network;
    }

    /// <summary>The address as a number.</summary>
    private static UInt128 BitsOf(IPAddress address, out bool isV4)
    {
        isV4 = address.AddressFamily == AddressFamily.InterNetwork || address.IsIPv4MappedToIPv6;
        UInt128 bits = BitsOf(address);
        return isV4 ? bits & uint.MaxValue : bits;
    }

    private static UInt128 BitsOf(IPAddress address)
    {
        Span<byte> octets = stackalloc byte[16];
        octets.Clear();
        Span<byte> place = address.AddressFamily == AddressFamily.InterNetwork ? octets[12..] : octets;
        address.TryWriteBytes(place, out _);
        return BinaryPrimitives.ReadUInt128BigEndian(octets);
    }
}
