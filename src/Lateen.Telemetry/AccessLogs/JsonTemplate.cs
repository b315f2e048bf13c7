using System.Text;
using System.Text.Json;

namespace Lateen.Telemetry.AccessLogs;

/// <summary>A compiled JSON format: a tree whose leaves are fixed JSON or operators.</summary>
internal abstract class JsonTemplate
{
    /// <summary>Compiles a node.</summary>
    /// <param name="element">The node as configured.</param>
    /// <param name="context">What operators are compiled against.</param>
    /// <param name="path">The keys that lead here, for the error.</param>
    /// <param name="error">Why the node was refused.</param>
    public static JsonTemplate? Compile(JsonElement element, AccessLogContext context, string path, out AccessLogFormatError? error)
    {
        error = null;
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var members = new List<(byte[] Key, JsonTemplate Value)>();
                foreach (var property in element.EnumerateObject())
                {
                    var child = Compile(property.Value, context, path.Length == 0 ? property.Name : $"{path}.{property.Name}", out error);
                    if (child is null)
                        return null;
                    members.Add((Quote(property.Name, suffix: ":"), child));
                }
                return new ObjectTemplate([.. members]);
            case JsonValueKind.Array:
                var items = new List<JsonTemplate>();
                foreach (var item in element.EnumerateArray())
                {
                    var child = Compile(item, context, $"{path}[{items.Count}]", out error);
                    if (child is null)
                        return null;
                    items.Add(child);
                }
                return new ArrayTemplate([.. items]);
            case JsonValueKind.String:
                var operators = new List<LogOperator>();
                error = FormatParser.Parse(element.GetString()!, context, operators);
                if (error is not null)
                {
                    error = error with { Path = path };
                    return null;
                }
                return operators is [{ Kind: not LogOperatorKind.Literal } single] ? new ValueTemplate(single) : new StringTemplate([.. operators]);
            default:
                return new FixedTemplate(Encoding.UTF8.GetBytes(element.GetRawText()));
        }
    }

    /// <summary>Writes the node.</summary>
    public abstract void Write(ref LogLine line, IAccessLogRecord record, TimeProvider time, scoped Span<byte> scratch, bool omitsEmpty);

    /// <summary>Whether the node is a missing value, whose key may be left out.</summary>
    protected virtual bool IsMissing(IAccessLogRecord record, TimeProvider time, scoped Span<byte> scratch)
    {
        return false;
    }

    private static byte[] Quote(string text, string suffix)
    {
        return Encoding.UTF8.GetBytes($"\"{JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"{suffix}");
    }

    private sealed class ObjectTemplate((byte[] Key, JsonTemplate Value)[] members) : JsonTemplate
    {
        public override void Write(ref LogLine line, IAccessLogRecord record, TimeProvider time, scoped Span<byte> scratch, bool omitsEmpty)
        {
            line.Append((byte)'{');
            var isFirst = true;
            foreach (var (key, value) in members)
            {
                if (omitsEmpty && value.IsMissing(record, time, scratch))
                    continue;
                if (!isFirst)
                    line.Append((byte)',');
                isFirst = false;
                line.Append(key);
                value.Write(ref line, record, time, scratch, omitsEmpty);
            }
            line.Append((byte)'}');
        }
    }

    private sealed class ArrayTemplate(JsonTemplate[] items) : JsonTemplate
    {
        public override void Write(ref LogLine line, IAccessLogRecord record, TimeProvider time, scoped Span<byte> scratch, bool omitsEmpty)
        {
            line.Append((byte)'[');
            for (var i = 0; i < items.Length; i++)
            {
                if (i > 0)
                    line.Append((byte)',');
                items[i].Write(ref line, record, time, scratch, omitsEmpty);
            }
            line.Append((byte)']');
        }
    }

    private sealed class FixedTemplate(byte[] json) : JsonTemplate
    {
        public override void Write(ref LogLine line, IAccessLogRecord record, TimeProvider time, scoped Span<byte> scratch, bool omitsEmpty)
        {
            line.Append(json);
        }
    }

    private sealed class ValueTemplate(LogOperator op) : JsonTemplate
    {
        public override void Write(ref LogLine line, IAccessLogRecord record, TimeProvider time, scoped Span<byte> scratch, bool omitsEmpty)
        {
            var value = OperatorEvaluator.Evaluate(op, record, time, scratch);
            switch (value.Kind)
            {
                case LogValueKind.Missing:
                    line.Append("null"u8);
                    break;
                case LogValueKind.Number:
                    line.Append(value.Number);
                    break;
                case LogValueKind.Json when op.MaxLength == int.MaxValue:
                    line.Append(value.Bytes);
                    break;
                default:
                    line.Append((byte)'"');
                    line.AppendJsonEscaped(AccessLogFormat.Cut(value.Bytes, op.MaxLength));
                    line.Append((byte)'"');
                    break;
            }
        }

        protected override bool IsMissing(IAccessLogRecord record, TimeProvider time, scoped Span<byte> scratch)
        {
            return OperatorEvaluator.Evaluate(op, record, time, scratch).Kind == LogValueKind.Missing;
        }
    }

    private sealed class StringTemplate(LogOperator[] operators) : JsonTemplate
    {
        public override void Write(ref LogLine line, IAccessLogRecord record, TimeProvider time, scoped Span<byte> scratch, bool omitsEmpty)
        {
            line.Append((byte)'"');
            foreach (var op in operators)
            {
                var value = OperatorEvaluator.Evaluate(op, record, time, scratch);
                switch (value.Kind)
                {
                    case LogValueKind.Missing:
                        if (!omitsEmpty)
                            line.Append((byte)'-');
                        break;
                    case LogValueKind.Number:
                        line.Append(value.Number);
                        break;
                    default:
                        line.AppendJsonEscaped(AccessLogFormat.Cut(value.Bytes, op.MaxLength));
                        break;
                }
            }
            line.Append((byte)'"');
        }
    }
}
