using System.Buffers;
using Lateen.Telemetry.Statistics;

namespace Lateen.Telemetry.Exposition;

/// <summary>Envoy's plain listing: <c>cluster.a.upstream_rq_total: 5</c>, one stat a line, counters, gauges and texts (in quotes)
/// first, histograms after them.</summary>
public static class StatsText
{
    /// <summary>Writes what the query shows.</summary>
    public static void Write(StatListing listing, StatsQuery query, IBufferWriter<byte> writer)
    {
        var sink = new Utf8Sink(writer);
        foreach (var reading in listing)
        {
            if (reading.Definition.Kind == StatKind.Histogram || !query.Shows(reading))
                continue;
            WriteName(sink, reading);
            if (reading.Definition.Kind == StatKind.Text)
                WriteQuoted(sink, reading.Text);
            else
                sink.Append(reading.Value);
            sink.Append("\n"u8);
        }
        foreach (var reading in listing)
        {
            if (reading.Definition.Kind != StatKind.Histogram || !query.Shows(reading))
                continue;
            WriteName(sink, reading);
            WriteHistogram(sink, reading.ReadHistogram(), query.Histograms);
            sink.Append("\n"u8);
        }
    }

    private static void WriteName(Utf8Sink sink, in StatReading reading)
    {
        sink.Append(reading.Scope.TextPrefix);
        sink.Append(reading.Definition.Name);
        sink.Append(reading.Scope.TextSuffix);
        sink.Append(": "u8);
    }

    /// <summary>A quote in the text would end it, and a line break would begin another stat.</summary>
    private static void WriteQuoted(Utf8Sink sink, ReadOnlySpan<char> text)
    {
        sink.Append("\""u8);
        while (text.IndexOfAny('\\', '"', '\n') is >= 0 and var at)
        {
            sink.Append(text[..at]);
            sink.Append(text[at] switch { '\\' => "\\\\"u8, '"' => "\\\""u8, _ => "\\n"u8 });
            text = text[(at + 1)..];
        }
        sink.Append(text);
        sink.Append("\""u8);
    }

    private static void WriteHistogram(Utf8Sink sink, HistogramReading histogram, HistogramView view)
    {
        if (histogram.Count == 0)
        {
            sink.Append("No recorded values"u8);
            return;
        }
        if (view == HistogramView.Summary)
        {
            for (var i = 0; i < HistogramQuantiles.Percents.Length; i++)
            {
                var percent = HistogramQuantiles.Percents[i];
                sink.Append(i == 0 ? "P"u8 : " P"u8);
                sink.Append(percent);
                sink.Append("(nan,"u8);
                sink.Append(Math.Round(histogram.Quantile(percent / 100), 4));
                sink.Append(")"u8);
            }
            return;
        }
        long below = 0;
        for (var i = 0; i < histogram.Buckets.Count; i++)
        {
            below += histogram.Counts[i];
            sink.Append(i == 0 ? "B"u8 : " B"u8);
            sink.Append(histogram.Buckets.Label(i));
            sink.Append("(0,"u8);
            sink.Append(view == HistogramView.Cumulative ? below : histogram.Counts[i]);
            sink.Append(")"u8);
        }
    }
}
