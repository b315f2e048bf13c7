using System.Collections.Immutable;
using System.Net;

namespace Lateen.Proxy.Configuration;

/// <summary>Reads address ranges.</summary>
internal static class CidrRanges
{
    public static ImmutableArray<IPNetwork> Compile(
        IReadOnlyList<Envoy.Config.Core.V3.CidrRange> ranges, FieldPath path, ConfigurationErrors errors)
    {
        var networks = ImmutableArray.CreateBuilder<IPNetwork>(ranges.Count);
        for (var i = 0; i < ranges.Count; i++)
        {
            var length = (int)Math.Min(ranges[i].PrefixLen ?? 0, 129);
            if (!IPAddress.TryParse(ranges[i].AddressPrefix, out var address))
            {
                errors.Add(path.At(i).Field("address_prefix"), $"'{ranges[i].AddressPrefix}' is not an IP address");
            }
            else if (length > address.GetAddressBytes().Length * 8)
            {
                errors.Add(path.At(i).Field("prefix_len"), $"{ranges[i].PrefixLen} is too long for {address}");
            }
            else
            {
                networks.Add(new IPNetwork(Masked(address, length), length));
            }
        }

        return networks.DrainToImmutable();
    }

    private static IPAddress Masked(IPAddress address, int length)
    {
        var bytes = address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
        {
            var kept = Math.Clamp(length - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF << (8 - kept));
        }

        return new IPAddress(bytes);
    }
}
