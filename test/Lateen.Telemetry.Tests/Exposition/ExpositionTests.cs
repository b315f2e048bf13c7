using System.Buffers;
using System.Text;
using System.Text.Json;
using Lateen.Telemetry.Exposition;
using Lateen.Telemetry.Statistics;
using Lateen.Telemetry.Tests.Statistics;

namespace Lateen.Telemetry.Tests.Exposition;

public sealed class ExpositionTests
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly StatsRegistry _registry = new();

    [Fact]
    public void Prometheus_text_names_families_and_labels_as_envoy_does()
    {
        Golden.Matches(Prometheus(Busy(), StatsQuery.All), "prometheus.txt");
    }

    [Fact]
    public void Plain_text_names_stats_as_envoy_does()
    {
        Golden.Matches(Text(Busy(), StatsQuery.All), "stats.txt");
    }

    [Theory]
    [InlineData(HistogramView.Summary, "stats.json")]
    [InlineData(HistogramView.Cumulative, "stats-cumulative.json")]
    public void Json_has_the_shape_of_envoys(HistogramView view, string golden)
    {
        var writer = new ArrayBufferWriter<byte>();
        StatsJson.Write(Busy().List(), StatsQuery.All with { UsedOnly = true, Histograms = view }, writer);
        using var document = JsonDocument.Parse(writer.WrittenMemory);

        Golden.Matches(JsonSerializer.Serialize(document, Indented) + "\n", golden);
    }

    [Fact]
    public void Label_values_are_escaped()
    {
        using var shop = ShopStats.Schema.Open(_registry, StatScope.Labels("x.", [new StatTag("peer", "a\"b\\c\nd{}é")]));
        _registry.CreateShard("worker_0").Increment(shop.Visits);

        Assert.Contains("visits_total{peer=\"a\\\"b\\\\c\\nd{}é\"} 1\n", Prometheus(_registry, StatsQuery.All with { UsedOnly = true }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_is_quoted_in_text_and_json_once_it_is_set_and_unknown_to_Prometheus()
    {
        var texts = StatsQuery.All with { Kind = StatKind.Text };
        using var shop = ShopStats.OpenFor(_registry, "a");
        Assert.Equal("", Text(_registry, texts));

        shop.Motto.Value = "say \"when\"\nC:\\x";
        using var again = ShopStats.OpenFor(_registry, "a");
        var json = new ArrayBufferWriter<byte>();
        StatsJson.Write(_registry.List(), texts, json);
        using var document = JsonDocument.Parse(json.WrittenMemory);

        Assert.Same(shop.Motto, again.Motto);
        Assert.Equal("cluster.a.motto: \"say \\\"when\\\"\\nC:\\\\x\"\n", Text(_registry, texts));
        Assert.Equal("say \"when\"\nC:\\x", document.RootElement.GetProperty("stats")[0].GetProperty("value").GetString());
        Assert.DoesNotContain("motto", Prometheus(_registry, StatsQuery.All), StringComparison.Ordinal);
        Assert.Null(_registry.Find("cluster.a.motto"));
        _registry.ResetCounters();
        Assert.Equal("say \"when\"\nC:\\x", shop.Motto.Value);
    }

    [Fact]
    public void A_filter_matches_the_dotted_name_anywhere()
    {
        var text = Text(Busy(), StatsQuery.All with { Name = StatsQuery.CompileName("reviews.*visits") });

        Assert.Equal("cluster.outbound|9080|v1|reviews.visits_total: 3\n", text);
    }

    [Theory]
    [InlineData("(")]
    [InlineData("(?=a)b")]
    [InlineData("(a)\\1")]
    public void A_filter_that_cannot_run_in_linear_time_is_refused(string pattern)
    {
        Assert.ThrowsAny<ArgumentException>(() => StatsQuery.CompileName(pattern));
    }

    [Fact]
    public void Only_used_stats_and_only_one_kind_can_be_asked_for()
    {
        var text = Text(Busy(), StatsQuery.All with { UsedOnly = true, Kind = StatKind.Gauge });

        Assert.Equal("cluster.outbound|9080|v1|reviews.doors.open: 1\n", text);
    }

    [Fact]
    public void Each_family_is_announced_once_and_its_samples_stand_together()
    {
        var lines = Prometheus(Busy(), StatsQuery.All).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var announced = lines.Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]).ToArray();
        var samples = lines.Where(line => line[0] != '#').Select(line => FamilyOf(line, announced));

        Assert.Equal(announced.Distinct(), announced);
        Assert.Equal(announced, samples.Aggregate(new List<string>(), (seen, family) =>
        {
            if (seen.Count == 0 || seen[^1] != family)
                seen.Add(family);
            return seen;
        }));
    }

    private static string FamilyOf(string sample, string[] announced)
    {
        var name = sample[..sample.IndexOf('{', StringComparison.Ordinal)];
        return announced.FirstOrDefault(family => family == name) ?? announced.First(family => name.StartsWith(family + "_", StringComparison.Ordinal));
    }

    private StatsRegistry Busy()
    {
        var shard = _registry.CreateShard("worker_0");
        var quiet = ShopStats.OpenFor(_registry, "http://quiet:80");
        var shop = ShopStats.OpenFor(_registry, "outbound|9080|v1|reviews");
        shard.Add(shop.Visits, 3);
        shard.Increment(shop.Open);
        shard.Record(shop.Stay, 4);
        shard.Record(shop.Stay, 40);
        shard.Increment(shop.Classes.For(200));
        shard.Increment(shop.Statuses.For(200));
        var series = ShopStats.Schema.Open(_registry, StatScope.Labels("istiocustom.", [new StatTag("reporter", "source"), new StatTag("response_code", "200")]));
        shard.Increment(series.Visits);
        Assert.NotEqual(quiet.Visits, shop.Visits);
        return _registry;
    }

    private static string Prometheus(StatsRegistry registry, StatsQuery query)
    {
        var writer = new ArrayBufferWriter<byte>();
        PrometheusText.Write(registry.List(), query, writer);
        return Encoding.UTF8.GetString(writer.WrittenSpan);
    }

    private static string Text(StatsRegistry registry, StatsQuery query)
    {
        var writer = new ArrayBufferWriter<byte>();
        StatsText.Write(registry.List(), query, writer);
        return Encoding.UTF8.GetString(writer.WrittenSpan);
    }
}
