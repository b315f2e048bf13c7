using System.Collections.Frozen;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Xds.Schema;
using Lateen.Xds.Wire;
using Lateen.Yaml;

namespace Lateen.Xds.Text;

/// <summary>
/// The messages that proto3 JSON writes in a form of their own: durations and times as text, wrappers as the bare value, Struct, Value
/// and ListValue as what they hold.
/// </summary>
internal static class WellKnownText
{
    /// <summary>Full name of <see cref="Value"/>, the one message for which null is something.</summary>
    public const string ValueName = Package + "Value";

    private const string DurationName = Package + "Duration";
    private const string TimestampName = Package + "Timestamp";
    private const string StructName = Package + "Struct";
    private const string ListName = Package + "ListValue";

    private const string Package = "google.protobuf.";

    /// <summary>Seconds that a duration may hold, either way: 10,000 years (google/protobuf/duration.proto).</summary>
    private const long MaxDurationSeconds = 315_576_000_000;

    /// <summary>Messages of one field, <c>value</c>, which tell a default value from none.</summary>
    private static readonly FrozenSet<string> Wrappers = new[]
    {
        "DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value", "BoolValue", "StringValue", "BytesValue",
    }.Select(static name => Package + name).ToFrozenSet(StringComparer.Ordinal);

    public static bool HasOwnForm(MessageSchema type) =>
        Wrappers.Contains(type.FullName) || type.FullName is DurationName or TimestampName or StructName or ListName or ValueName;

    /// <summary>The field <c>value</c> when <paramref name="type"/> is a wrapper such as UInt32Value; otherwise null.</summary>
    public static FieldSchema? WrappedField(MessageSchema type) => Wrappers.Contains(type.FullName) ? type.Find(1) : null;

    /// <param name="message">Its bytes, when it could be read.</param>
    /// <returns>False when the message has no form of its own; otherwise it was read, or <paramref name="reason"/> says why not.</returns>
    public static bool TryRead(MessageSchema type, YamlNode node, out byte[] message, out string? reason)
    {
        reason = null;
        message = [];
        switch (type.FullName)
        {
            case DurationName:
                var duration = new Duration();
                if (node is not YamlScalar { Type: YamlScalarType.String } text || !TryReadDuration(text.Text, duration))
                {
                    reason = $"expected a duration such as 0.25s or 300s, found {Show(node)}";
                }

                message = duration.ToByteArray();
                return true;
            case TimestampName:
                var timestamp = new Timestamp();
                if (node is not YamlScalar { Type: YamlScalarType.String } time || !TryReadTimestamp(time.Text, timestamp))
                {
                    reason = $"expected a time such as 2026-01-31T12:00:00Z, found {Show(node)}";
                }

                message = timestamp.ToByteArray();
                return true;
            case StructName:
                var fields = new Struct();
                reason = ReadStruct(fields, node);
                message = fields.ToByteArray();
                return true;
            case ListName:
                var list = new ListValue();
                reason = ReadList(list, node);
                message = list.ToByteArray();
                return true;
            case ValueName:
                var value = new Value();
                ReadValue(value, node);
                message = value.ToByteArray();
                return true;
            default:
                return WrappedField(type) is { } wrapped && ReadWrapper(wrapped, node, out message, out reason);
        }
    }

    /// <returns>The form of a message that has one and is no wrapper; null for all others.</returns>
    /// <exception cref="InvalidProtocolBufferException">The bytes are no such message.</exception>
    public static YamlNode? TryWrite(MessageSchema type, ReadOnlySpan<byte> message) => type.FullName switch
    {
        DurationName => YamlScalar.FromString(WriteDuration(Duration.Parser.ParseFrom(message))),
        TimestampName => YamlScalar.FromString(
            Timestamp.Parser.ParseFrom(message).ToDateTimeOffset().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture)),
        StructName => WriteStruct(Struct.Parser.ParseFrom(message)),
        ListName => new YamlSequence([.. ListValue.Parser.ParseFrom(message).Values.Select(WriteValue)]),
        ValueName => WriteValue(Value.Parser.ParseFrom(message)),
        _ => null,
    };

    private static string Show(YamlNode node) => node is YamlScalar scalar ? $"'{scalar.Text}'" : node.Description;

    private static bool ReadWrapper(FieldSchema wrapped, YamlNode node, out byte[] message, out string? reason)
    {
        reason = null;
        var draft = new MessageDraft();
        object? value = node is YamlScalar scalar ? ScalarText.Read(wrapped, scalar, out reason) : null;
        if (value is not null)
        {
            draft.Add(wrapped, value);
        }
        else
        {
            reason ??= $"expected {ScalarText.Describe(wrapped)}, found {node.Description}";
        }

        message = draft.ToArray();
        return true;
    }

    /// <summary>Digits, at most nine after the point, and an <c>s</c>.</summary>
    private static bool TryReadDuration(string text, Duration duration)
    {
        if (!text.EndsWith('s'))
        {
            return false;
        }

        ReadOnlySpan<char> number = text.AsSpan(0, text.Length - 1);
        bool isNegative = number.StartsWith('-');
        number = isNegative ? number[1..] : number;
        int point = number.IndexOf('.');
        ReadOnlySpan<char> whole = point < 0 ? number : number[..point];
        ReadOnlySpan<char> fraction = point < 0 ? default : number[(point + 1)..];
        if (whole.Length == 0 || (point >= 0 && (fraction.Length is 0 or > 9))
            || !long.TryParse(whole, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) || seconds > MaxDurationSeconds)
        {
            return false;
        }

        int nanos = 0;
        if (fraction.Length > 0)
        {
            if (!int.TryParse(fraction, NumberStyles.None, CultureInfo.InvariantCulture, out nanos))
            {
                return false;
            }

            for (int i = fraction.Length; i < 9; i++)
            {
                nanos *= 10;
            }
        }

        duration.Seconds = isNegative ? -seconds : seconds;
        duration.Nanos = isNegative ? -nanos : nanos;
        return true;
    }

    /// <summary>No fraction, or 3, 6 or 9 digits of it, as protobuf's own printers do.</summary>
    private static string WriteDuration(Duration duration)
    {
        string sign = duration.Seconds < 0 || duration.Nanos < 0 ? "-" : string.Empty;
        string whole = Math.Abs(duration.Seconds).ToString(CultureInfo.InvariantCulture);
        int nanos = Math.Abs(duration.Nanos);
        string fraction = nanos switch
        {
            0 => string.Empty,
            _ when nanos % 1_000_000 == 0 => "." + (nanos / 1_000_000).ToString("d3", CultureInfo.InvariantCulture),
            _ when nanos % 1_000 == 0 => "." + (nanos / 1_000).ToString("d6", CultureInfo.InvariantCulture),
            _ => "." + nanos.ToString("d9", CultureInfo.InvariantCulture),
        };
        return $"{sign}{whole}{fraction}s";
    }

    private static bool TryReadTimestamp(string text, Timestamp timestamp)
    {
        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) || !text.Contains('T', StringComparison.Ordinal))
        {
            return false;
        }

        timestamp.MergeFrom(Timestamp.FromDateTimeOffset(time));
        return true;
    }

    private static string? ReadStruct(Struct fields, YamlNode node)
    {
        if (node is not YamlMapping mapping)
        {
            return $"expected a mapping, found {node.Description}";
        }

        foreach (YamlEntry entry in mapping)
        {
            var value = new Value();
            ReadValue(value, entry.Value);
            fields.Fields[entry.Name] = value;
        }

        return null;
    }

    private static string? ReadList(ListValue list, YamlNode node)
    {
        if (node is not YamlSequence sequence)
        {
            return $"expected a list, found {node.Description}";
        }

        foreach (YamlNode item in sequence)
        {
            var value = new Value();
            ReadValue(value, item);
            list.Values.Add(value);
        }

        return null;
    }

    private static void ReadValue(Value value, YamlNode node)
    {
        switch (node)
        {
            case YamlMapping:
                value.StructValue = new Struct();
                ReadStruct(value.StructValue, node);
                break;
            case YamlSequence:
                value.ListValue = new ListValue();
                ReadList(value.ListValue, node);
                break;
            case YamlScalar { Type: YamlScalarType.Null }:
                value.NullValue = NullValue.NullValue;
                break;
            case YamlScalar scalar when scalar.TryGetBoolean(out bool truth):
                value.BoolValue = truth;
                break;
            case YamlScalar scalar when scalar.TryGetDouble(out double number):
                value.NumberValue = number;
                break;
            case YamlScalar scalar:
                value.StringValue = scalar.Text;
                break;
        }
    }

    private static YamlMapping WriteStruct(Struct fields)
    {
        var mapping = new YamlMappingBuilder();
        foreach ((string name, Value value) in fields.Fields.OrderBy(static field => field.Key, StringComparer.Ordinal))
        {
            mapping.Add(name, WriteValue(value));
        }

        return mapping.Build();
    }

    private static YamlNode WriteValue(Value value) => value.KindCase switch
    {
        Value.KindOneofCase.StringValue => YamlScalar.FromString(value.StringValue),
        Value.KindOneofCase.BoolValue => YamlScalar.FromBoolean(value.BoolValue),
        Value.KindOneofCase.NumberValue => WriteNumber(value.NumberValue),
        Value.KindOneofCase.StructValue => WriteStruct(value.StructValue),
        Value.KindOneofCase.ListValue => new YamlSequence([.. value.ListValue.Values.Select(WriteValue)]),
        _ => YamlScalar.Null,
    };

    /// <summary>Struct knows doubles only; a port or a weight in it should still read as a whole number.</summary>
    private static YamlScalar WriteNumber(double number) =>
        number == Math.Truncate(number) && Math.Abs(number) < 1e15 ? YamlScalar.FromInteger((long)number) : YamlScalar.FromDouble(number);
}
