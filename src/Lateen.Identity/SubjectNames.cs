using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using Lateen.Identity.Signing;

namespace Lateen.Identity;

/// <summary>The names in a certificate or a request (subjectAltName, RFC 5280 section 4.2.1.6): how ours are written, and how any are read.</summary>
internal static class SubjectNames
{
    public const string Oid = "2.5.29.17";

    /// <summary>Names read from one extension. Count. Hit: the extension is refused; an identity has one.</summary>
    public const int MaxNames = 16;

    /// <summary>The extension with the identity alone; critical, because the subject is empty (RFC 5280 section 4.2.1.6).</summary>
    public static X509Extension Only(SpiffeId identity) => Of(identity, null);

    /// <summary>The identity, and behind it the names by which clients that know no identities find a server.</summary>
    public static X509Extension Of(SpiffeId identity, ServerNames? names)
    {
        // By hand: System.Uri rewrites hosts that look like numbers, and an identity is octets.
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteCharacterString(UniversalTagNumber.IA5String, identity.Uri, new Asn1Tag(TagClass.ContextSpecific, 6));
            foreach (string name in names?.DnsNames ?? []) writer.WriteCharacterString(UniversalTagNumber.IA5String, name, new Asn1Tag(TagClass.ContextSpecific, 2));
            foreach (var address in names?.Addresses ?? []) writer.WriteOctetString(address.GetAddressBytes(), new Asn1Tag(TagClass.ContextSpecific, 7));
        }

        return new X509Extension(Oid, writer.Encode(), critical: true);
    }

    /// <summary>Every name, in the order of the bytes. A URI is a string; any other kind is told by its tag alone.</summary>
    /// <returns>False when the bytes are no GeneralNames, or more than <see cref="MaxNames"/>.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> extension, [NotNullWhen(true)] out List<SubjectName>? names)
    {
        names = null;
        try
        {
            var reader = new AsnReader(extension, AsnEncodingRules.DER);
            var sequence = reader.ReadSequence();
            if (reader.HasData) return false;
            var read = new List<SubjectName>();
            while (sequence.HasData)
            {
                if (read.Count == MaxNames) return false;
                var tag = sequence.PeekTag();
                bool isUri = tag is { TagClass: TagClass.ContextSpecific, TagValue: 6, IsConstructed: false };
                string? uri = isUri ? sequence.ReadCharacterString(UniversalTagNumber.IA5String, tag) : null;
                if (!isUri) sequence.ReadEncodedValue();
                read.Add(new SubjectName(tag.TagClass == TagClass.ContextSpecific ? tag.TagValue : -1, uri));
            }

            names = read;
            return true;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }
}

/// <summary>One name: its GeneralName tag (1 mail, 2 DNS, 6 URI, 7 IP address), and its text when it is a URI.</summary>
internal readonly record struct SubjectName(int Tag, string? Uri);
