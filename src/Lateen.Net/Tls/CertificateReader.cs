using System.Net;
using System.Text;
using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>Makes a <see cref="TlsCertificate"/> of OpenSSL's X509.</summary>
internal static unsafe class CertificateReader
{
    /// <summary>Names read from one certificate. Count. Hit: the rest is passed over, so they match nothing.</summary>
    private const int MaxNames = 1024;

    internal static TlsCertificate Read(nint certificate) => Read(certificate, Encode(certificate));

    /// <param name="der">The certificate's encoding, which the result keeps.</param>
    internal static TlsCertificate Read(nint certificate, byte[] der)
    {
        Span<byte> hash = stackalloc byte[Sha256.Bytes];
        Sha256.Hash(der, hash);
        var serial = LibCrypto.SerialNumber(certificate);
        return new TlsCertificate
        {
            Der = der,
            Subject = SubjectOf(certificate),
            Issuer = PrintName(LibCrypto.IssuerName(certificate)),
            Serial = Convert.ToHexStringLower(StringBytes(serial).TrimStart((byte)0)),
            Sha256 = Convert.ToHexStringLower(hash),
            NotBefore = ReadTime(LibCrypto.NotBefore(certificate)),
            NotAfter = NotAfterOf(certificate),
            SubjectAltNames = NamesOf(certificate),
        };
    }

    internal static string SubjectOf(nint certificate) => PrintName(LibCrypto.SubjectName(certificate));

    internal static DateTimeOffset NotAfterOf(nint certificate) => ReadTime(LibCrypto.NotAfter(certificate));

    /// <summary>SHA-256 of the DER.</summary>
    internal static void HashCertificate(nint certificate, Span<byte> hash) => Sha256.Hash(Encode(certificate), hash);

    /// <summary>SHA-256 of the SubjectPublicKeyInfo.</summary>
    internal static void HashPublicKey(nint certificate, Span<byte> hash)
    {
        byte* encoded = null;
        var bytes = LibCrypto.EncodePublicKey(LibCrypto.SubjectPublicKey(certificate), &encoded);
        Sha256.Hash(new ReadOnlySpan<byte>(encoded, Math.Max(bytes, 0)), hash);
        LibCrypto.FreeMemory(encoded, null, 0);
    }

    internal static List<SubjectAltName> NamesOf(nint certificate)
    {
        var result = new List<SubjectAltName>();
        var names = LibCrypto.Extension(certificate, LibCrypto.SubjectAltName, null, null);
        if (names == 0)
        {
            OpenSsl.TakeError();
            return result;
        }

        var count = Math.Min(LibCrypto.StackCount(names), MaxNames);
        for (var i = 0; i < count; i++)
        {
            int kind;
            var value = LibCrypto.GeneralNameValue(LibCrypto.StackItem(names, i), &kind);
            if (ToName(kind, value) is { } name)
                result.Add(name);
        }

        LibCrypto.FreeGeneralNames(names);
        return result;
    }

    internal static byte[] Encode(nint certificate)
    {
        byte* encoded = null;
        var bytes = LibCrypto.EncodeCertificate(certificate, &encoded);
        if (bytes <= 0)
            throw new InvalidOperationException($"OpenSSL cannot encode a certificate that it decoded: {OpenSsl.Describe(OpenSsl.TakeError())}.");
        var der = new ReadOnlySpan<byte>(encoded, bytes).ToArray();
        LibCrypto.FreeMemory(encoded, null, 0);
        return der;
    }

    private static string PrintName(nint name)
    {
        var bio = LibCrypto.NewBio(LibCrypto.MemoryBioMethod());
        var text = "";
        if (LibCrypto.PrintName(bio, name, 0, LibCrypto.NamePrintFlags) >= 0)
        {
            byte* start = null;
            var bytes = LibCrypto.ControlBio(bio, LibCrypto.BioControlContent, 0, &start);
            // Nothing was printed for a name without parts, which is what workloads have for a subject.
            if (start != null && bytes > 0)
                text = Encoding.UTF8.GetString(start, (int)bytes);
        }

        LibCrypto.FreeBio(bio);
        OpenSsl.TakeError();
        return text;
    }

    private static DateTimeOffset ReadTime(nint time)
    {
        LibCrypto.CalendarTime calendar = default;
        if (LibCrypto.ToCalendar(time, &calendar) != 1)
        {
            OpenSsl.TakeError();
            return DateTimeOffset.UnixEpoch;
        }

        // A second of 60 is legal in struct tm only; OpenSSL's parser admits 0 to 59.
        return new DateTimeOffset(
            calendar.Year + 1900, calendar.Month + 1, calendar.Day, calendar.Hour, calendar.Minute, calendar.Second, TimeSpan.Zero);
    }

    private static SubjectAltName? ToName(int kind, nint value)
    {
        if (kind is not (LibCrypto.NameDns or LibCrypto.NameUri or LibCrypto.NameEmail or LibCrypto.NameAddress))
            return null;
        var bytes = StringBytes(value);
        if (kind == LibCrypto.NameAddress)
            return bytes.Length is 4 or 16 ? new SubjectAltName(SubjectAltNameKind.IpAddress, new IPAddress(bytes).ToString()) : null;
        // IA5String. A NUL within a name is the oldest trick of all: "good.example\0.evil.example".
        if (bytes.IsEmpty || bytes.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E))
            return null;
        return new SubjectAltName(kind switch
        {
            LibCrypto.NameDns => SubjectAltNameKind.Dns,
            LibCrypto.NameUri => SubjectAltNameKind.Uri,
            _ => SubjectAltNameKind.Email,
        }, Encoding.ASCII.GetString(bytes));
    }

    private static ReadOnlySpan<byte> StringBytes(nint text) => new(LibCrypto.StringBytes(text), LibCrypto.StringLength(text));
}
