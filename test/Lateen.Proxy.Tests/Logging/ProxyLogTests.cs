using System.Text;
using System.Text.RegularExpressions;
using Lateen.Proxy.Logging;

namespace Lateen.Proxy.Tests.Logging;

public sealed partial class ProxyLogTests
{
    [Fact]
    public void A_line_tells_time_process_level_and_component()
    {
        Assert.Matches(Line(), Written(log => log.For("config").Warning($"no cluster {"a"} at {7:D3}")));
        Assert.EndsWith("[warning][config] no cluster a at 007\n", Written(log => log.For("config").Warning($"no cluster {"a"} at {7:D3}")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_below_its_components_level_is_not_written_and_its_parts_are_not_evaluated()
    {
        var evaluated = 0;

        var text = Written(log =>
        {
            Assert.True(log.For("http") == log.For("http"));
            log.SetLevel(LogLevel.Error);
            log.For("http").Warning($"{++evaluated}");
            Assert.True(log.TrySetLevel("http", LogLevel.Trace));
            log.For("http").Trace($"{++evaluated}");
            log.For("later").Warning($"{++evaluated}");
        });

        Assert.EndsWith("[trace][http] 1\n", text, StringComparison.Ordinal);
        Assert.Equal(1, evaluated);
        Assert.Single(text.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void A_line_that_is_off_allocates_nothing()
    {
        using var log = new ProxyLog(Stream.Null, LogLevel.Off);
        var logger = log.For("http");
        for (var i = 0; i < 1000; i++) logger.Debug($"request {i} of {logger}");
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 1000; i++) logger.Debug($"request {i} of {logger}");

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Control_characters_from_a_peer_are_shown_and_not_obeyed()
    {
        Assert.EndsWith("[info][http] a\\x0ab\\x1bc\n", Written(log => log.For("http").Info($"{"a\nb\u001bc"}")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_reader_that_has_stopped_reading_costs_lines_and_stops_nobody()
    {
        using var gate = new ManualResetEventSlim();
        var output = new GateStream(gate);
        using (var log = new ProxyLog(output))
        {
            for (var i = 0; i < 3 * ProxyLog.MaxWaiting; i++) log.For("main").Info($"{i}");
            gate.Set();
        }

        var lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.InRange(lines.Length, ProxyLog.MaxWaiting, 2 * ProxyLog.MaxWaiting);
    }

    [Theory]
    [InlineData("trace", LogLevel.Trace)]
    [InlineData("warn", LogLevel.Warning)]
    [InlineData("warning", LogLevel.Warning)]
    [InlineData("off", LogLevel.Off)]
    public void Levels_are_read_by_envoys_names(string name, LogLevel expected)
    {
        Assert.True(LogLevelNames.TryParse(name, out var level));
        Assert.Equal(expected, level);
    }

    [Theory]
    [InlineData("loud")]
    [InlineData("INFO")]
    [InlineData("")]
    [InlineData(null)]
    public void Other_names_are_no_levels(string? name)
    {
        Assert.False(LogLevelNames.TryParse(name, out _));
    }

    private static string Written(Action<ProxyLog> write)
    {
        using var output = new MemoryStream();
        using (var log = new ProxyLog(output)) write(log);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    [GeneratedRegex(@"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\]\[\d+\]\[warning\]\[config\] ")]
    private static partial Regex Line();

    private sealed class GateStream(ManualResetEventSlim gate) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            gate.Wait();
            base.Write(buffer);
        }
    }
}
