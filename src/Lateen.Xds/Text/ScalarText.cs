using System.Globalization;
using Google.Protobuf;
using Lateen.Xds.Schema;
using Lateen.Yaml;

namespace Lateen.Xds.Text;

/// <summary>Scalars of the proto3 JSON mapping: what a YAML scalar may look like for a field of each type, and its faults in words.</summary>
internal static class ScalarText
{
    public static string Describe(FieldSchema field) => field.Kind switch
    {
        FieldKind.String => "a string",
        FieldKind.Bytes => "bytes in base64",
        FieldKind.Bool => "true or false",
        FieldKind.Enum => "one of " + NamesOf(field.EnumType),
        FieldKind.Double or FieldKind.Float => "a number",
        _ => "a whole number",
    };

    /// <returns>The value boxed in the type of the field (enums as their number), or null with a reason.</returns>
    public static object? Read(FieldSchema field, YamlScalar scalar, out string? reason)
    {
        reason = null;
        switch (field.Kind)
        {
            case FieldKind.String:
                if (scalar.Type == YamlScalarType.String)
                {
                    return scalar.Text;
                }

                reason = scalar.Type == YamlScalarType.Null
                    ? "expected a string, found null"
                    : $"expected a string, found {scalar.Description}; write \"{scalar.Text}\"";
                return null;
            case FieldKind.Bool:
                if (scalar.TryGetBoolean(out bool truth) || IsTextBoolean(scalar, out truth))
                {
                    return truth;
                }

                break;
            case FieldKind.Enum:
                EnumMember? member = FindEnumValue(field.EnumType, scalar);
                reason = member is null ? UnknownEnumValue(field.EnumType, scalar.Text) : null;
                return member?.Number;
            case FieldKind.Bytes:
                if (scalar.Type == YamlScalarType.String && TryReadBase64(scalar.Text, out ByteString? bytes))
                {
                    return bytes;
                }

                break;
            case FieldKind.Double or FieldKind.Float:
                if (TryReadDouble(scalar, out double number))
                {
                    return field.Kind == FieldKind.Float ? (float)number : number;
                }

                break;
            default:
                if (ReadInteger(field, scalar, out reason) is { } whole)
                {
                    return whole;
                }

                if (reason is not null)
                {
                    return null;
                }

                break;
        }

        reason = $"expected {Describe(field)}, found '{scalar.Text}'";
        return null;
    }

    /// <summary>A boolean map key comes as the text of a JSON key.</summary>
    private static bool IsTextBoolean(YamlScalar scalar, out bool truth)
    {
        truth = scalar.Text == "true";
        return scalar is { Type: YamlScalarType.String, Line: 0, Text: "true" or "false" };
    }

    private static EnumMember? FindEnumValue(EnumSchema type, YamlScalar scalar)
    {
        if (scalar.Type == YamlScalarType.String)
        {
            return type.Find(scalar.Text);
        }

        return scalar.TryGetInt64(out long number) && number is >= int.MinValue and <= int.MaxValue ? type.Find((int)number) : null;
    }

    private static string UnknownEnumValue(EnumSchema type, string text)
    {
        string? near = Spelling.Nearest(text, type.Members.Select(static member => member.Name));
        return $"'{text}' is none of {NamesOf(type)}{(near is null ? string.Empty : $"; did you mean '{near}'?")}";
    }

    /// <summary>Whole numbers, also written as a decimal string or as a float without fraction (1e3), within the field's range.</summary>
    private static object? ReadInteger(FieldSchema field, YamlScalar scalar, out string? reason)
    {
        reason = null;
        if (!TryReadWhole(scalar, out Int128 value))
        {
            return null;
        }

        (Int128 lowest, Int128 highest) = field.Kind switch
        {
            FieldKind.UInt32 or FieldKind.Fixed32 => (0, uint.MaxValue),
            FieldKind.UInt64 or FieldKind.Fixed64 => (0, ulong.MaxValue),
            FieldKind.Int32 or FieldKind.SInt32 or FieldKind.SFixed32 => (int.MinValue, int.MaxValue),
            _ => ((Int128)long.MinValue, (Int128)long.MaxValue),
        };
        if (value < lowest || value > highest)
        {
            reason = $"{scalar.Text} is out of range, from {lowest} to {highest}";
            return null;
        }

        return field.Kind switch
        {
            FieldKind.UInt32 or FieldKind.Fixed32 => (uint)value,
            FieldKind.UInt64 or FieldKind.Fixed64 => (ulong)value,
            FieldKind.Int32 or FieldKind.SInt32 or FieldKind.SFixed32 => (int)value,
            _ => (long)value,
        };
    }

    private static bool TryReadWhole(YamlScalar scalar, out Int128 value)
    {
        if (scalar.TryGetInt64(out long signed))
        {
            value = signed;
            return true;
        }

        if (scalar.TryGetUInt64(out ulong unsigned))
        {
            value = unsigned;
            return true;
        }

        if (scalar.Type is YamlScalarType.String or YamlScalarType.Integer)
        {
            return Int128.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
        }

        value = 0;
        // Beyond 2^53 a float cannot name every integer, so what was meant is unknown.
        if (scalar.TryGetDouble(out double number) && number == Math.Truncate(number) && Math.Abs(number) <= 9007199254740992)
        {
            value = (Int128)number;
            return true;
        }

        return false;
    }

    private static bool TryReadDouble(YamlScalar scalar, out double number)
    {
        if (scalar.TryGetDouble(out number))
        {
            return true;
        }

        switch (scalar)
        {
            case { Type: YamlScalarType.String, Text: "NaN" }:
                number = double.NaN;
                return true;
            case { Type: YamlScalarType.String, Text: "Infinity" }:
                number = double.PositiveInfinity;
                return true;
            case { Type: YamlScalarType.String, Text: "-Infinity" }:
                number = double.NegativeInfinity;
                return true;
            default:
                return scalar.Type == YamlScalarType.String
                    && double.TryParse(scalar.Text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out number);
        }
    }

    /// <summary>Standard or URL-safe alphabet, with or without padding (proto3 JSON).</summary>
    private static bool TryReadBase64(string text, out ByteString? bytes)
    {
        string standard = text.Replace('-', '+').Replace('_', '/').TrimEnd('=');
        standard = standard.PadRight((standard.Length + 3) / 4 * 4, '=');
        byte[] buffer = new byte[standard.Length / 4 * 3];
        bool isValid = Convert.TryFromBase64String(standard, buffer, out int written);
        bytes = isValid ? ByteString.CopyFrom(buffer, 0, written) : null;
        return isValid;
    }

    private static string NamesOf(EnumSchema type) => string.Join(", ", type.Members.Select(static value => value.Name));
}
