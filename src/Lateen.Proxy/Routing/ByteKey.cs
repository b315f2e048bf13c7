using System.Numerics;
using System.Runtime.InteropServices;

namespace Lateen.Proxy.Routing;

/// <summary>
/// Hashes short byte keys (host names) eight bytes at a time. The keys of a table come from configuration, never from clients.
/// </summary>
internal static class ByteKey
{
    private const ulong Multiplier = 0x9E3779B97F4A7C15;

    public static ulong Hash(ReadOnlySpan<byte> key)
    {
        var hash = (ulong)key.Length * Multiplier;
        while (key.Length >= sizeof(ulong))
        {
            hash = Mix(hash ^ MemoryMarshal.Read<ulong>(key));
            key = key[sizeof(ulong)..];
        }

        ulong tail = 0;
        for (var i = 0; i < key.Length; i++) tail |= (ulong)key[i] << (8 * i);
        return Mix(hash ^ tail);
    }

    private static ulong Mix(ulong value)
    {
        var high = Math.BigMul(value, Multiplier, out var low);
        return BitOperations.RotateLeft(high ^ low, 29);
    }
}
