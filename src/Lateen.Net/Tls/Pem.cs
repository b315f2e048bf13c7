using System.Runtime.InteropServices;
using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>Reads PEM into OpenSSL's objects. Errors name what was read and why it failed, never its content.</summary>
internal static unsafe class Pem
{
    /// <summary>The certificates in <paramref name="pem"/>, the caller's to free.</summary>
    /// <param name="isTrustAnchor">Also takes OpenSSL's own form, TRUSTED CERTIFICATE.</param>
    /// <param name="max">How many at most; more is an error.</param>
    internal static List<nint> ReadCertificates(ReadOnlySpan<byte> pem, bool isTrustAnchor, int max, out string? error)
    {
        return ReadAll(pem, "certificate", max, isTrustAnchor
            ? static bio => LibCrypto.ReadTrustedCertificate(bio, 0, &NoPassword, 0)
            : static bio => LibCrypto.ReadCertificate(bio, 0, &NoPassword, 0), out error);
    }

    /// <summary>The revocation lists in <paramref name="pem"/>, the caller's to free.</summary>
    internal static List<nint> ReadRevocationLists(ReadOnlySpan<byte> pem, int max, out string? error) =>
        ReadAll(pem, "revocation list", max, static bio => LibCrypto.ReadRevocationList(bio, 0, &NoPassword, 0), out error);

    /// <summary>The first private key in <paramref name="pem"/>, the caller's to free; 0 and a text when there is none to be had.</summary>
    internal static nint ReadPrivateKey(ReadOnlySpan<byte> pem, ReadOnlySpan<byte> password, out string? error)
    {
        error = pem.IsEmpty ? "private key: no key in the PEM" : null;
        if (error is not null)
            return 0;
        fixed (byte* start = pem, secret = password)
        {
            var given = new GivenPassword { Start = secret, Length = password.Length };
            var bio = LibCrypto.NewMemoryBio(start, pem.Length);
            var key = LibCrypto.ReadPrivateKey(bio, 0, &GivePassword, (nint)(&given));
            LibCrypto.FreeBio(bio);
            var reason = OpenSsl.TakeError();
            if (key != 0)
                return key;
            if (OpenSsl.LibraryOf(reason) == LibCrypto.LibraryPem && OpenSsl.ReasonOf(reason) == LibCrypto.PemNoStartLine)
                error = "private key: no key in the PEM";
            else if (given.WasAsked && password.IsEmpty)
                error = "private key: is encrypted and no password was given";
            else if (given.WasAsked)
                error = "private key: does not open with the given password";
            else
                error = $"private key: {OpenSsl.Describe(reason)}";
            return 0;
        }
    }

    internal static void Free(List<nint> certificates)
    {
        foreach (var certificate in certificates)
            LibCrypto.FreeCertificate(certificate);
        certificates.Clear();
    }

    private static List<nint> ReadAll(ReadOnlySpan<byte> pem, string what, int max, Func<nint, nint> read, out string? error)
    {
        error = null;
        var items = new List<nint>();
        if (pem.IsEmpty)
            return items;
        fixed (byte* start = pem)
        {
            var bio = LibCrypto.NewMemoryBio(start, pem.Length);
            while (read(bio) is var item and not 0)
            {
                items.Add(item);
                if (items.Count <= max)
                    continue;
                error = $"more than {max} times {what}";
                break;
            }

            LibCrypto.FreeBio(bio);
        }

        var reason = OpenSsl.TakeError();
        var isEnd = reason == 0 || (OpenSsl.LibraryOf(reason) == LibCrypto.LibraryPem && OpenSsl.ReasonOf(reason) == LibCrypto.PemNoStartLine);
        if (!isEnd)
            error ??= $"{what} {items.Count + 1}: {OpenSsl.Describe(reason)}";
        return items;
    }

    /// <summary>pem_password_cb: without one OpenSSL would ask on the terminal.</summary>
    [UnmanagedCallersOnly]
    private static int NoPassword(byte* buffer, int capacity, int isWriting, nint state) => -1;

    [UnmanagedCallersOnly]
    private static int GivePassword(byte* buffer, int capacity, int isWriting, nint state)
    {
        var given = (GivenPassword*)state;
        given->WasAsked = true;
        if (given->Length == 0 || given->Length > capacity)
            return -1;
        new ReadOnlySpan<byte>(given->Start, given->Length).CopyTo(new Span<byte>(buffer, capacity));
        return given->Length;
    }

    private struct GivenPassword
    {
        internal byte* Start;
        internal int Length;
        internal bool WasAsked;
    }
}
