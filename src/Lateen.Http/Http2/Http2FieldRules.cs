using System.Buffers;
using System.Text;

namespace Lateen.Http;

/// <summary>
/// What RFC 9113 section 8.2 says of every field, whatever message it is in, and the bounds of a field section while it is decompressed. The
/// first fault is kept; reading goes on after it, because the compression table must see the whole block. What is beyond the bounds is not looked at.
/// </summary>
internal struct Http2FieldRules(int maxOctets, int maxFields, HttpRejectionCode tooLarge)
{
    /// <summary>tchar of RFC 9110 without upper-case letters: section 8.2.1.</summary>
    private static readonly SearchValues<byte> LowerToken = SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"u8);

    private int _octets;
    private int _fields;

    /// <summary>The first fault, or none.</summary>
    internal HttpRejectionCode Code { get; private set; }

    /// <summary>True when nobody needs the fields that follow.</summary>
    internal readonly bool IsRefused => Code != HttpRejectionCode.None;

    private readonly bool IsBeyondBounds => _octets > maxOctets || _fields > maxFields;

    /// <summary>Counts any field, pseudo or not, against the size.</summary>
    internal void Count(in HpackField field)
    {
        // The sum cannot overflow: it stops growing once it is too large.
        if (_octets > maxOctets) return;
        _octets += field.Name.Length + field.Value.Length + HpackDecoder.FieldOverhead;
        if (_octets > maxOctets) Refuse(tooLarge);
    }

    /// <summary>Checks a regular field.</summary>
    internal void Check(in HpackField field)
    {
        if (IsBeyondBounds) return;
        if (++_fields > maxFields) Refuse(tooLarge == HttpRejectionCode.FieldsTooLarge ? HttpRejectionCode.TooManyFields : tooLarge);
        if (field.Id == KnownHeader.None)
        {
            if (field.Name.Length == 0) Refuse(HttpRejectionCode.FieldNameMalformed);
            else if (field.Name.Length > HeaderBlock.MaxNameOctets) Refuse(tooLarge); // The bounds of a message may be wider than that of a name.
            else if (field.Name.IndexOfAnyExcept(LowerToken) >= 0) Refuse(Grammar.IsToken(field.Name) ? HttpRejectionCode.FieldNameUpperCase : HttpRejectionCode.FieldNameMalformed);
        }
        else if (field.Id is KnownHeader.Connection or KnownHeader.KeepAlive or KnownHeader.ProxyConnection or KnownHeader.TransferEncoding or KnownHeader.Upgrade)
        {
            Refuse(HttpRejectionCode.ConnectionFieldForbidden);
        }
        else if (field.Id == KnownHeader.Te && !Ascii.EqualsIgnoreCase(field.Value, "trailers"u8))
        {
            Refuse(HttpRejectionCode.TeForbidden);
        }

        CheckValue(field.Value);
    }

    /// <summary>Checks the value of any field.</summary>
    internal void CheckValue(ReadOnlySpan<byte> value)
    {
        if (value.Length == 0 || IsBeyondBounds) return;
        if (!Grammar.IsFieldValue(value)) Refuse(HttpRejectionCode.ControlByteInField);
        else if (value[0] is (byte)' ' or (byte)'\t' || value[^1] is (byte)' ' or (byte)'\t') Refuse(HttpRejectionCode.FieldValueWhitespace);
    }

    internal void Refuse(HttpRejectionCode code)
    {
        if (Code == HttpRejectionCode.None || (!IsMalformed(Code) && IsMalformed(code))) Code = code;
    }

    /// <summary>
    /// True for faults that make a message malformed in the sense of section 8.1.1. The others are a well-formed message that is refused, which
    /// is answered as it would be over HTTP/1.1.
    /// </summary>
    internal static bool IsMalformed(HttpRejectionCode code) => code switch
    {
        HttpRejectionCode.None => false,
        HttpRejectionCode.FieldsTooLarge or HttpRejectionCode.TooManyFields => false,
        HttpRejectionCode.MethodTooLong or HttpRejectionCode.TargetTooLong => false,
        HttpRejectionCode.TargetSchemeUnsupported => false,
        HttpRejectionCode.PathEscapeMalformed or HttpRejectionCode.PathEscapedNul or HttpRejectionCode.PathEscapedSlash => false,
        HttpRejectionCode.FieldNameUnderscore or HttpRejectionCode.ExpectationUnsupported => false,
        _ => true,
    };
}
