using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>SHA-256 by the OpenSSL that TLS has loaded anyway.</summary>
public static unsafe class Sha256
{
    /// <summary>Of a hash. Octets.</summary>
    public const int Bytes = 32;

    /// <param name="content">Any length.</param>
    /// <param name="hash">At least <see cref="Bytes"/> long.</param>
    public static void Hash(ReadOnlySpan<byte> content, Span<byte> hash)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hash.Length, Bytes);
        fixed (byte* start = content, target = hash)
        {
            byte none;
            LibCrypto.Sha256(start == null ? &none : start, (nuint)content.Length, target);
        }
    }
}
