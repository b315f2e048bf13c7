using System.Collections.Concurrent;
using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>Names of OpenSSL's static objects as strings, each made once.</summary>
internal static unsafe class TlsNames
{
    /// <summary>By SSL_CIPHER, of which libssl has a fixed table.</summary>
    private static readonly ConcurrentDictionary<nint, string> Ciphers = new();

    internal static string OfCipher(nint cipher) => Ciphers.GetOrAdd(cipher, static native => OpenSsl.Text(LibSsl.CipherName(native)));
}
