using System.Text;
using System.Text.Json;
using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.AccessLogs;

/// <summary>Makes a log format of a <c>SubstitutionFormatString</c>; without one it is Envoy's default text.</summary>
internal sealed class AccessLogFormatCompiler(AccessLogContext context)
{
    /// <summary>Longest format text that is read from a file. Octets.</summary>
    private const uint MaxFormatBytes = 64 * 1024;

    public AccessLogFormat? Compile(SubstitutionFormatString? format, FieldPath path, ConfigurationErrors errors)
    {
        AccessLogFormatError? error;
        AccessLogFormat? compiled;
        FieldPath at;
        switch (format?.FormatCase ?? SubstitutionFormatString.FormatOneofCase.None)
        {
            case SubstitutionFormatString.FormatOneofCase.TextFormat:
                at = path.Field("text_format");
                compiled = AccessLogFormat.CompileText(format!.TextFormat, context, out error, format.OmitEmptyValues);
                break;
            case SubstitutionFormatString.FormatOneofCase.TextFormatSource:
                at = path.Field("text_format_source");
                var before = errors.Count;
                var text = Encoding.UTF8.GetString(DataSourceReader.Read(format!.TextFormatSource, MaxFormatBytes, at, errors).Span);
                if (errors.Count > before) return null;
                compiled = AccessLogFormat.CompileText(text, context, out error, format.OmitEmptyValues);
                break;
            case SubstitutionFormatString.FormatOneofCase.JsonFormat:
                at = path.Field("json_format");
                using (var document = ToJson(format!.JsonFormat))
                    compiled = AccessLogFormat.CompileJson(document.RootElement, context, out error, format.OmitEmptyValues);
                break;
            default:
                at = path;
                compiled = AccessLogFormat.CompileText(DefaultFormats.EnvoyText, context, out error);
                break;
        }

        if (error is not null) errors.Add(at, error.ToString());
        return compiled;
    }

    private static JsonDocument ToJson(Struct format)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer)) Write(writer, Value.ForStruct(format));
        return JsonDocument.Parse(buffer.ToArray());
    }

    private static void Write(Utf8JsonWriter writer, Value value)
    {
        switch (value.KindCase)
        {
            case Value.KindOneofCase.StructValue:
                writer.WriteStartObject();
                foreach (var (key, member) in value.StructValue.Fields)
                {
                    writer.WritePropertyName(key);
                    Write(writer, member);
                }

                writer.WriteEndObject();
                break;
            case Value.KindOneofCase.ListValue:
                writer.WriteStartArray();
                foreach (var item in value.ListValue.Values) Write(writer, item);
                writer.WriteEndArray();
                break;
            case Value.KindOneofCase.StringValue:
                writer.WriteStringValue(value.StringValue);
                break;
            case Value.KindOneofCase.NumberValue when double.IsFinite(value.NumberValue):
                writer.WriteNumberValue(value.NumberValue);
                break;
            case Value.KindOneofCase.BoolValue:
                writer.WriteBooleanValue(value.BoolValue);
                break;
            default:
                writer.WriteNullValue();
                break;
        }
    }
}
