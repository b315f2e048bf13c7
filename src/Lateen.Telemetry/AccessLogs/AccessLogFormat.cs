using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Lateen.Telemetry.AccessLogs;

/// <summary>A compiled format: writes one exchange as one line of text or JSON, without allocating.</summary>
/// <remarks>Immutable, so all reactors share it. The operators and their spelling are Envoy's. What is missing is <c>-</c> in text and
/// null in JSON, or nothing and no key where <c>omit_empty_values</c> is asked for. A JSON value that is a single operator keeps its type;
/// with text beside it, it is a string.</remarks>
public sealed class AccessLogFormat
{
    private readonly LogOperator[] _text;
    private readonly JsonTemplate? _json;
    private readonly TimeProvider _time;
    private readonly bool _omitsEmpty;

    private AccessLogFormat(LogOperator[] text, JsonTemplate? json, AccessLogContext context, bool omitsEmpty)
    {
        _text = text;
        _json = json;
        _time = context.Time;
        _omitsEmpty = omitsEmpty;
    }

    /// <summary>Compiles a text format. No line end is added: the format brings its own.</summary>
    /// <returns>Null when the format was refused; <paramref name="error"/> then says why.</returns>
    public static AccessLogFormat? CompileText(
        string format, AccessLogContext context, out AccessLogFormatError? error, bool omitsEmptyValues = false)
    {
        var operators = new List<LogOperator>();
        error = FormatParser.Parse(format, context, operators);
        return error is null ? new AccessLogFormat([.. operators], null, context, omitsEmptyValues) : null;
    }

    /// <summary>Compiles a JSON format: an object whose strings, at any depth, are format strings. Its keys keep their order. Each line
    /// ends with a line feed.</summary>
    /// <returns>Null when the format was refused; <paramref name="error"/> then says why.</returns>
    public static AccessLogFormat? CompileJson(
        JsonElement format, AccessLogContext context, out AccessLogFormatError? error, bool omitsEmptyValues = false)
    {
        var template = JsonTemplate.Compile(format, context, "", out error);
        return template is null ? null : new AccessLogFormat([], template, context, omitsEmptyValues);
    }

    /// <summary>Writes the line of an exchange.</summary>
    /// <returns>False when it does not fit; then nothing of it counts, and the caller tries again with more room.</returns>
    public bool TryWrite(IAccessLogRecord record, Span<byte> destination, out int written)
    {
        Span<byte> scratch = stackalloc byte[OperatorEvaluator.ScratchLength];
        var line = new LogLine(destination);
        if (_json is not null)
        {
            _json.Write(ref line, record, _time, scratch, _omitsEmpty);
            line.Append((byte)'\n');
        }
        else
        {
            WriteText(ref line, record, scratch);
        }
        written = line.IsFull ? 0 : line.Written;
        return !line.IsFull;
    }

    /// <summary>Writes the line into a string: for tests and for people.</summary>
    public string Format(IAccessLogRecord record)
    {
        for (var size = 4096; ; size *= 4)
        {
            var buffer = ArrayPool<byte>.Shared.Rent(size);
            try
            {
                if (TryWrite(record, buffer, out var written))
                    return Encoding.UTF8.GetString(buffer, 0, written);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private void WriteText(ref LogLine line, IAccessLogRecord record, scoped Span<byte> scratch)
    {
        foreach (var op in _text)
        {
            if (op.Kind == LogOperatorKind.Literal && op.MaxLength == int.MaxValue)
            {
                line.Append(op.Literal);
                continue;
            }
            var value = OperatorEvaluator.Evaluate(op, record, _time, scratch);
            switch (value.Kind)
            {
                case LogValueKind.Missing:
                    if (!_omitsEmpty)
                        line.Append((byte)'-');
                    break;
                case LogValueKind.Number when op.MaxLength == int.MaxValue:
                    line.Append(value.Number);
                    break;
                case LogValueKind.Number:
                    var digits = new LogLine(scratch);
                    digits.Append(value.Number);
                    line.Append(Cut(scratch[..digits.Written], op.MaxLength));
                    break;
                default:
                    line.AppendSanitized(Cut(value.Bytes, op.MaxLength));
                    break;
            }
        }
    }

    /// <summary>The first octets of a text, and no half of a UTF-8 character at their end.</summary>
    internal static ReadOnlySpan<byte> Cut(ReadOnlySpan<byte> text, int maxLength)
    {
        if (text.Length <= maxLength)
            return text;
        var end = maxLength;
        while (end > 0 && (text[end] & 0xC0) == 0x80)
            end--;
        // More than three continuation octets are no UTF-8: cut where it was asked for.
        return text[..(maxLength - end > 3 ? maxLength : end)];
    }
}
