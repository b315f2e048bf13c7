using System.Runtime.InteropServices;
using System.Text;

namespace Lateen.Net.Interop;

/// <summary>Finds OpenSSL 3 when it is first needed, and reads its strings and errors.</summary>
internal static unsafe class OpenSsl
{
    private static readonly Lazy<string?> Loading = new(Load);

    /// <summary>Why TLS cannot be had on this machine, for the operator; null when it can.</summary>
    internal static string? Problem => Loading.Value;

    internal static string Text(byte* terminated) => terminated == null ? "" : Encoding.UTF8.GetString(Bytes(terminated));

    internal static ReadOnlySpan<byte> Bytes(byte* terminated) => MemoryMarshal.CreateReadOnlySpanFromNullTerminated(terminated);

    /// <summary>Empties the thread's error queue; the first error, which is the cause, or 0.</summary>
    internal static nuint TakeError()
    {
        var first = LibCrypto.TakeError();
        if (first != 0)
            LibCrypto.ClearErrors();
        return first;
    }

    internal static int LibraryOf(nuint error) => (int)(error >> LibCrypto.LibraryOffset) & 0xFF;

    internal static int ReasonOf(nuint error) => (int)error & LibCrypto.ReasonMask;

    /// <summary>OpenSSL's words for an error, such as <c>no start line</c>. They come from its tables, so they hold no secret.</summary>
    internal static string Describe(nuint error)
    {
        if (error == 0)
            return "no reason given";
        var text = Text(LibCrypto.ErrorReason(error));
        return text.Length == 0 ? $"OpenSSL error {error:x}" : text;
    }

    private static string? Load()
    {
        const string advice = "install OpenSSL 3 (Debian: libssl3 or libssl3t64, Fedora: openssl-libs, Alpine: libssl3)";
        if (!NativeLibrary.TryLoad("libcrypto.so.3", out _) || !NativeLibrary.TryLoad("libssl.so.3", out _))
            return $"TLS needs libssl.so.3 and libcrypto.so.3, which are not on this machine: {advice}";
        var version = LibCrypto.VersionNumber();
        if (version >> 28 < 3)
            return $"TLS needs OpenSSL 3, but libcrypto.so.3 calls itself version {version:x}: {advice}";
        return LibSsl.Initialize(0, 0) == 1 ? null : $"OpenSSL does not start: {Describe(TakeError())}; is /etc/ssl/openssl.cnf in order?";
    }
}
