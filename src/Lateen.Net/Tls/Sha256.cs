using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>SHA-256 by the OpenSSL that TLS has loaded anyway.</summary>
internal static unsafe class Sha256
{
    internal const int Bytes = 32;

    internal static void Hash(ReadOnlySpan<byte> content, Span<byte> hash)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hash.Length, Bytes);
        fixed (byte* start = content, target = hash)
        {
            byte none;
            LibCrypto.Sha256(start == null ? &none : start, (nuint)content.Length, target);
        }
    }
}
