namespace Lateen.Telemetry.AccessLogs;

internal enum LogValueKind
{
    Missing,
    Text,
    Number,
    Json,
}

/// <summary>What an operator found in a record. Spans point into the record or into the scratch of the line.</summary>
internal readonly ref struct LogValue
{
    private LogValue(LogValueKind kind, ReadOnlySpan<byte> bytes, long number)
    {
        Kind = kind;
        Bytes = bytes;
        Number = number;
    }

    public static LogValue Missing => default;

    public LogValueKind Kind { get; }

    public ReadOnlySpan<byte> Bytes { get; }

    public long Number { get; }

    public static LogValue Text(ReadOnlySpan<byte> bytes)
    {
        return new LogValue(LogValueKind.Text, bytes, 0);
    }

    public static LogValue TextOrMissing(ReadOnlySpan<byte> bytes)
    {
        return bytes.IsEmpty ? default : Text(bytes);
    }

    public static LogValue Whole(long number)
    {
        return new LogValue(LogValueKind.Number, default, number);
    }

    public static LogValue Json(ReadOnlySpan<byte> bytes)
    {
        return new LogValue(LogValueKind.Json, bytes, 0);
    }
}
