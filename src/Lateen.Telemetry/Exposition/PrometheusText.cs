using System.Buffers;
using Lateen.Telemetry.Statistics;

namespace Lateen.Telemetry.Exposition;

/// <summary>The Prometheus text exposition format, version 0.0.4, with the names and labels that Envoy gives its stats.</summary>
public static class PrometheusText
{
    /// <summary>What <c>content-type</c> says of it.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Writes all families that the query shows, counters first, then gauges, then histograms, each ordered by name.</summary>
    public static void Write(StatListing listing, StatsQuery query, IBufferWriter<byte> writer)
    {
        var sink = new Utf8Sink(writer);
        foreach (var (family, kind, readings) in listing.Families())
        {
            var isFirst = true;
            foreach (var reading in readings)
            {
                if (!query.Shows(reading))
                    continue;
                if (isFirst)
                    WriteType(sink, family, kind);
                isFirst = false;
                if (kind == StatKind.Histogram)
                    WriteHistogram(sink, family, reading);
                else
                    WriteSample(sink, family, ""u8, reading, default, reading.Value);
            }
        }
    }

    private static void WriteType(Utf8Sink sink, string family, StatKind kind)
    {
        sink.Append("# TYPE "u8);
        sink.Append(family);
        sink.Append(kind switch
        {
            StatKind.Counter => " counter\n"u8,
            StatKind.Gauge => " gauge\n"u8,
            _ => " histogram\n"u8,
        });
    }

    private static void WriteHistogram(Utf8Sink sink, string family, in StatReading reading)
    {
        var histogram = reading.ReadHistogram();
        long below = 0;
        for (var i = 0; i < histogram.Buckets.Count; i++)
        {
            below += histogram.Counts[i];
            WriteSample(sink, family, "_bucket"u8, reading, histogram.Buckets.Label(i), below);
        }
        WriteSample(sink, family, "_bucket"u8, reading, "+Inf", histogram.Count);
        WriteSample(sink, family, "_sum"u8, reading, default, histogram.Sum);
        WriteSample(sink, family, "_count"u8, reading, default, histogram.Count);
    }

    private static void WriteSample(
        Utf8Sink sink, string family, ReadOnlySpan<byte> suffix, in StatReading reading, ReadOnlySpan<char> bound, long value)
    {
        sink.Append(family);
        sink.Append(suffix);
        sink.Append("{"u8);
        var isFirst = true;
        if (reading.Definition.Tag is { } tag)
            WriteLabel(sink, tag.Name, tag.Value, ref isFirst);
        foreach (var label in reading.Scope.TagSpan)
            WriteLabel(sink, label.Name, label.Value, ref isFirst);
        if (!bound.IsEmpty)
            WriteLabel(sink, "le", bound, ref isFirst);
        sink.Append("} "u8);
        sink.Append(value);
        sink.Append("\n"u8);
    }

    private static void WriteLabel(Utf8Sink sink, string name, ReadOnlySpan<char> value, ref bool isFirst)
    {
        if (!isFirst)
            sink.Append(","u8);
        isFirst = false;
        sink.Append(name);
        sink.Append("=\""u8);
        while (value.IndexOfAny('\\', '"', '\n') is >= 0 and var at)
        {
            sink.Append(value[..at]);
            sink.Append(value[at] switch { '\\' => "\\\\"u8, '"' => "\\\""u8, _ => "\\n"u8 });
            value = value[(at + 1)..];
        }
        sink.Append(value);
        sink.Append("\""u8);
    }
}
