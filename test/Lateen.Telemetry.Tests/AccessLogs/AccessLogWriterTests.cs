using System.Text;
using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Statistics;

namespace Lateen.Telemetry.Tests.AccessLogs;

public sealed class AccessLogWriterTests : IDisposable
{
    private static readonly TimeSpan Never = TimeSpan.FromDays(1);

    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-log-").FullName;
    private readonly StatsRegistry _registry = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string LogPath => Path.Combine(_folder, "access.log");

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Lines_are_appended_to_what_the_file_held()
    {
        await File.WriteAllTextAsync(LogPath, "before\n", Cancellation);
        await using var writer = Writer(Never);
        var file = writer.Open(LogPath);

        Assert.True(file.BufferOf(0).TryAppend(Formats.Text("%RESPONSE_CODE%\n"), new FakeRecord()));
        Assert.True(file.BufferOf(0).TryAppend("two\n"u8));
        await writer.FlushAsync(Cancellation);

        Assert.Equal("before\n200\ntwo\n", await File.ReadAllTextAsync(LogPath, Cancellation));
    }

    [Fact]
    public async Task Shutdown_writes_everything_that_was_appended_by_all_reactors_without_tearing_a_line()
    {
        const int Reactors = 4;
        const int Lines = 5_000;
        await using (var writer = Writer(Never, Reactors))
        {
            var file = writer.Open(LogPath);
            var threads = Enumerable.Range(0, Reactors).Select(reactor => new Thread(() =>
            {
                var buffer = file.BufferOf(reactor);
                for (var i = 0; i < Lines; i++)
                {
                    var line = Encoding.ASCII.GetBytes($"{reactor} {i} {new string('x', i % 90)}\n");
                    while (!buffer.TryAppend(line))
                        Thread.Yield();
                }
            })).ToArray();
            foreach (var thread in threads)
                thread.Start();
            foreach (var thread in threads)
                thread.Join();
        }

        var lines = await File.ReadAllLinesAsync(LogPath, Cancellation);
        Assert.Equal(Reactors * Lines, lines.Length);
        foreach (var reactor in lines.Select(line => line.Split(' ')).GroupBy(parts => parts[0]))
        {
            Assert.Equal(Enumerable.Range(0, Lines), reactor.Select(parts => int.Parse(parts[1])));
            Assert.All(reactor, parts => Assert.Equal(int.Parse(parts[1]) % 90, parts[2].Length));
        }
    }

    [Fact]
    public async Task A_full_chunk_is_written_without_being_asked_for()
    {
        using var stream = new GateStream(isOpen: true);
        await using var writer = Writer(Never, output: stream);
        var buffer = writer.Open("/dev/stdout").BufferOf(0);

        for (var i = 0; i <= AccessLogBuffer.ChunkSize / 1024; i++)
            buffer.TryAppend(new byte[1024]);

        await stream.Written.WaitAsync(Cancellation);
        Assert.True(stream.Length >= AccessLogBuffer.ChunkSize);
    }

    [Fact]
    public async Task A_single_line_is_written_when_the_interval_has_passed()
    {
        using var stream = new GateStream(isOpen: true);
        await using var writer = Writer(TimeSpan.FromMilliseconds(5), output: stream);

        writer.Open("/dev/stdout").BufferOf(0).TryAppend("one\n"u8);
        await stream.Written.WaitAsync(Cancellation);
        await writer.FlushAsync(Cancellation);

        Assert.Equal("one\n", Encoding.ASCII.GetString(stream.ToArray()));
    }

    [Fact]
    public async Task A_stuck_destination_costs_lines_and_never_the_reactors_time()
    {
        using var stream = new GateStream(isOpen: false);
        await using var writer = Writer(Never, output: stream);
        var buffer = writer.Open("/dev/stdout").BufferOf(0);
        var line = new byte[1024];

        var appended = 0;
        for (var i = 0; i < 4096; i++)
            appended += buffer.TryAppend(line) ? 1 : 0;

        Assert.InRange(appended, 1024 - 64, AccessLogBuffer.MaxChunks * AccessLogBuffer.ChunkSize / 1024);
        Assert.Equal(4096 - appended, buffer.LinesDropped);
        Assert.Equal(4096 - appended, _registry.Find("filesystem.write_dropped"));
        stream.Open();
        await writer.FlushAsync(Cancellation);
        Assert.Equal(appended * 1024, stream.Length);
        Assert.True(buffer.TryAppend(line));
    }

    [Fact]
    public async Task A_line_longer_than_a_chunk_is_dropped_and_the_next_one_is_not()
    {
        await using var writer = Writer(Never);
        var buffer = writer.Open(LogPath).BufferOf(0);
        var record = new FakeRecord();
        record.RequestHeaders["user-agent"] = new string('\u0001', AccessLogBuffer.ChunkSize / 3);

        Assert.False(buffer.TryAppend(Formats.Text("%REQ(USER-AGENT)%\n"), record));
        Assert.True(buffer.TryAppend("next\n"u8));
        await writer.FlushAsync(Cancellation);

        Assert.Equal("next\n", await File.ReadAllTextAsync(LogPath, Cancellation));
        Assert.Equal(1, buffer.LinesDropped);
    }

    [Fact]
    public async Task Reopening_goes_on_in_a_new_file_after_a_rotation()
    {
        await using var writer = Writer(Never);
        var buffer = writer.Open(LogPath).BufferOf(0);
        buffer.TryAppend("old\n"u8);
        File.Move(LogPath, LogPath + ".1");

        writer.Reopen();
        await writer.FlushAsync(Cancellation);
        buffer.TryAppend("new\n"u8);
        await writer.FlushAsync(Cancellation);

        Assert.Equal("old\n", await File.ReadAllTextAsync(LogPath + ".1", Cancellation));
        Assert.Equal("new\n", await File.ReadAllTextAsync(LogPath, Cancellation));
    }

    [Fact]
    public async Task A_file_that_was_truncated_in_place_grows_from_its_new_end()
    {
        await using var writer = Writer(Never);
        var buffer = writer.Open(LogPath).BufferOf(0);
        buffer.TryAppend("one\n"u8);
        await writer.FlushAsync(Cancellation);
        await File.WriteAllTextAsync(LogPath, "", Cancellation);

        buffer.TryAppend("two\n"u8);
        await writer.FlushAsync(Cancellation);

        Assert.Equal("two\n", await File.ReadAllTextAsync(LogPath, Cancellation));
    }

    [Fact]
    public async Task One_path_is_one_file_until_its_last_user_closes_it()
    {
        await using var writer = Writer(Never);
        var first = writer.Open(LogPath);
        var second = writer.Open(LogPath);
        Assert.Same(first, second);

        writer.Close(first);
        second.BufferOf(0).TryAppend("still\n"u8);
        writer.Close(second);
        await writer.FlushAsync(Cancellation);

        Assert.Equal("still\n", await File.ReadAllTextAsync(LogPath, Cancellation));
        Assert.NotSame(first, writer.Open(LogPath));
        Assert.Equal(1, _registry.Find("filesystem.write_buffered"));
    }

    [Fact]
    public async Task A_failed_write_is_counted_and_the_next_one_is_tried()
    {
        using var stream = new GateStream(isOpen: true) { Failures = 1 };
        await using var writer = Writer(Never, output: stream);
        var buffer = writer.Open("/dev/stdout").BufferOf(0);

        buffer.TryAppend("lost\n"u8);
        await writer.FlushAsync(Cancellation);
        buffer.TryAppend("kept\n"u8);
        await writer.FlushAsync(Cancellation);

        Assert.Equal("kept\n", Encoding.ASCII.GetString(stream.ToArray()));
        Assert.Equal(1, _registry.Find("filesystem.write_failed"));
        Assert.Equal(1, _registry.Find("filesystem.write_completed"));
    }

    [Fact]
    public async Task A_path_that_cannot_be_opened_is_an_error_when_it_is_configured()
    {
        await using var writer = Writer(Never);

        Assert.ThrowsAny<IOException>(() => writer.Open(Path.Combine(_folder, "no", "such", "folder.log")));
    }

    private AccessLogWriter Writer(TimeSpan interval, int reactors = 1, Stream? output = null)
    {
        return new AccessLogWriter(
            new AccessLogWriterOptions { ReactorCount = reactors, FlushInterval = interval, StandardOutput = output ?? Stream.Null }, _registry);
    }

    /// <summary>A stream that lets no write pass before it is opened.</summary>
    private sealed class GateStream(bool isOpen) : MemoryStream
    {
        private readonly ManualResetEventSlim _gate = new(isOpen);
        private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Failures { get; set; }

        public Task Written => _written.Task;

        public void Open()
        {
            _gate.Set();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _gate.Wait();
            if (Failures-- > 0)
                throw new IOException("no space left on device");
            base.Write(buffer);
            _written.TrySetResult();
        }

        protected override void Dispose(bool disposing)
        {
            _gate.Set();
            base.Dispose(disposing);
        }
    }
}
