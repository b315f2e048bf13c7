using System.Buffers;
using System.Text.Json;
using Lateen.Telemetry.Statistics;

namespace Lateen.Telemetry.Exposition;

/// <summary>Envoy's <c>/stats?format=json</c>: a list of names and values, the histograms in one last element.</summary>
public static class StatsJson
{
    /// <summary>Writes what the query shows.</summary>
    public static void Write(StatListing listing, StatsQuery query, IBufferWriter<byte> writer)
    {
        using var json = new Utf8JsonWriter(writer);
        json.WriteStartObject();
        json.WriteStartArray("stats");
        var hasHistograms = false;
        foreach (var reading in listing)
        {
            if (!query.Shows(reading))
                continue;
            if (reading.Definition.Kind == StatKind.Histogram)
            {
                hasHistograms = true;
                continue;
            }
            json.WriteStartObject();
            json.WriteString("name", reading.Name);
            if (reading.Definition.Kind == StatKind.Text)
                json.WriteString("value", reading.Text);
            else
                json.WriteNumber("value", reading.Value);
            json.WriteEndObject();
        }
        if (hasHistograms)
            WriteHistograms(json, listing, query);
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
    }

    private static void WriteHistograms(Utf8JsonWriter json, StatListing listing, StatsQuery query)
    {
        json.WriteStartObject();
        if (query.Histograms == HistogramView.Summary)
        {
            json.WriteStartObject("histograms");
            json.WriteStartArray("supported_quantiles");
            foreach (var percent in HistogramQuantiles.Percents)
                json.WriteNumberValue(percent);
            json.WriteEndArray();
            json.WriteStartArray("computed_quantiles");
        }
        else
        {
            json.WriteStartArray("histograms");
        }

        foreach (var reading in listing)
        {
            if (reading.Definition.Kind != StatKind.Histogram || !query.Shows(reading))
                continue;
            json.WriteStartObject();
            json.WriteString("name", reading.Name);
            if (query.Histograms == HistogramView.Summary)
                WriteQuantiles(json, reading.ReadHistogram());
            else
                WriteBuckets(json, reading.ReadHistogram(), query.Histograms);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (query.Histograms == HistogramView.Summary)
            json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteQuantiles(Utf8JsonWriter json, HistogramReading histogram)
    {
        json.WriteStartArray("values");
        foreach (var percent in HistogramQuantiles.Percents)
        {
            json.WriteStartObject();
            json.WriteNull("interval");
            if (histogram.Count == 0)
                json.WriteNull("cumulative");
            else
                json.WriteNumber("cumulative", Math.Round(histogram.Quantile(percent / 100), 4));
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteBuckets(Utf8JsonWriter json, HistogramReading histogram, HistogramView view)
    {
        json.WriteStartArray("buckets");
        long below = 0;
        for (var i = 0; i < histogram.Buckets.Count; i++)
        {
            below += histogram.Counts[i];
            json.WriteStartObject();
            json.WriteNumber("upper_bound", histogram.Buckets.Bounds[i]);
            json.WriteNumber("interval", 0);
            json.WriteNumber("cumulative", view == HistogramView.Cumulative ? below : histogram.Counts[i]);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
