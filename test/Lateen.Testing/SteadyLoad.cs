using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace Lateen.Testing;

/// <summary>What a load saw: every request has exactly one outcome.</summary>
/// <param name="Due">Requests that the asked rate made due while the load ran.</param>
/// <param name="Answered">Answers that were as expected.</param>
/// <param name="Failed">Any other answer, none in time, a connection that broke under a request, or an answer that is no HTTP.</param>
/// <param name="Failures">Why requests failed, with counts.</param>
/// <param name="Bodies">Good answers by body, with counts.</param>
public sealed record LoadResult(
    long Due, long Answered, long Failed, IReadOnlyDictionary<string, long> Failures, IReadOnlyDictionary<string, long> Bodies)
{
    /// <summary>Requests that were sent.</summary>
    public long Sent => Answered + Failed;

    /// <summary>
    /// Whether the load was what was asked for: nine of ten requests that were due were sent. The tenth is for what waits its turn in the moment of
    /// the stop; who cannot keep the pace falls behind further with every second.
    /// </summary>
    public bool HeldItsRate => Sent * 10 >= Due * 9;

    /// <summary>The failures on one line, for an assertion's message.</summary>
    public string Reasons => string.Join("; ", Failures.Select(pair => $"{pair.Value} x {pair.Key}"));
}

/// <summary>An answer as it came.</summary>
/// <param name="Head">The status line and the fields, each ended by CRLF.</param>
public sealed record LoadAnswer(int Status, string Head, string Body)
{
    /// <summary>The value of the first field of this name; null where there is none.</summary>
    /// <param name="name">In any case.</param>
    public string? Field(string name) => Head.Split("\r\n").Skip(1)
        .Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)).Select(line => line[(name.Length + 1)..].Trim()).FirstOrDefault();
}

/// <summary>
/// An open-loop load of GET requests at a fixed rate over keep-alive connections, for tests that must see every request answered. It reads the
/// wire itself: an HTTP client would hide failures by trying again.
/// </summary>
/// <remarks>Bounded: at most <c>connections</c> requests are under way; when all are taken the next waits its turn, late but sent. Stops with dispose.</remarks>
public sealed class SteadyLoad : IAsyncDisposable
{
    /// <summary>How long an answer may take before its request has failed. Far above what a busy machine needs: who exceeds it hangs.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly IPEndPoint _target;
    private readonly int _requestsPerSecond;
    private readonly Func<LoadAnswer, string?> _fault;
    private readonly TimeSpan _patience;
    private readonly long _started = TimeProvider.System.GetTimestamp();
    private readonly byte[] _request;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<bool> _turns = Channel.CreateBounded<bool>(4096);
    private readonly ConcurrentDictionary<string, long> _failures = new();
    private readonly ConcurrentDictionary<string, long> _bodies = new();
    private readonly Lock _gate = new();
    private readonly List<(long At, TaskCompletionSource Reached)> _marks = [];
    private readonly Task _running;
    private long _answered;
    private long _failed;
    private long? _due;

    private SteadyLoad(
        Uri target, int requestsPerSecond, int connections, string extraHeaders, string? host, Func<LoadAnswer, string?>? fault, TimeSpan? patience)
    {
        _requestsPerSecond = requestsPerSecond;
        _fault = fault ?? (static answer => answer.Status == 200 ? null : $"status {answer.Status}: {answer.Body}");
        _patience = patience ?? Patience;
        _target = new IPEndPoint(IPAddress.Loopback, target.Port);
        _request = Encoding.ASCII.GetBytes($"GET {target.PathAndQuery} HTTP/1.1\r\nHost: {host ?? target.Authority}\r\n{extraHeaders}\r\n");
        _running = Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(WorkAsync)).Prepend(Task.Run(PaceAsync)));
    }

    /// <summary>Starts the load on a loopback address.</summary>
    /// <param name="extraHeaders">Header lines, each ended by CRLF.</param>
    /// <param name="host">Whom the requests are for, where that is another than they are sent to.</param>
    /// <param name="fault">What is wrong with an answer; null where nothing is. Unless told, any status but 200.</param>
    /// <param name="patience">How long an answer may take. Default: <see cref="Patience"/>.</param>
    public static SteadyLoad Start(
        Uri target, int requestsPerSecond, int connections = 16, string extraHeaders = "", string? host = null, Func<LoadAnswer, string?>? fault = null, TimeSpan? patience = null) =>
        new(target, requestsPerSecond, connections, extraHeaders, host, fault, patience);

    /// <summary>Requests that have their outcome so far.</summary>
    public long Done => Interlocked.Read(ref _answered) + Interlocked.Read(ref _failed);

    /// <summary>Waits until <paramref name="count"/> more requests have their outcome.</summary>
    public Task AfterAsync(int count, CancellationToken cancel)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _marks.Add((Done + count, reached));
        }

        return reached.Task.WaitAsync(cancel);
    }

    /// <summary>Stops sending, waits for what is under way, and says what was seen.</summary>
    public async Task<LoadResult> StopAsync()
    {
        _due ??= DueByNow();
        await _stop.CancelAsync();
        await _running;
        return new LoadResult(_due.Value, _answered, _failed, new Dictionary<string, long>(_failures), new Dictionary<string, long>(_bodies));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private long DueByNow() => (long)(TimeProvider.System.GetElapsedTime(_started).TotalSeconds * _requestsPerSecond);

    private async Task PaceAsync()
    {
        // Turns are handed out by elapsed time, not one per tick, so that a late tick catches up and the rate holds.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        long handed = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                for (var due = DueByNow(); handed < due; handed++)
                {
                    await _turns.Writer.WriteAsync(true, _stop.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }

        _turns.Writer.Complete();
    }

    private async Task WorkAsync()
    {
        Socket? socket = null;
        var buffer = new byte[64 * 1024];
        var patience = new CancellationTokenSource();
        await foreach (var _ in _turns.Reader.ReadAllAsync())
        {
            if (_stop.IsCancellationRequested)
            {
                break; // Turns that were handed out but not begun are not requests.
            }

            try
            {
                patience.CancelAfter(_patience);
                if (socket is null)
                {
                    socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                    await socket.ConnectAsync(_target, patience.Token);
                }

                await socket.SendAsync(_request, patience.Token);
                var (answer, keep) = await ReadResponseAsync(socket, buffer, patience.Token);
                if (!keep)
                {
                    socket.Dispose();
                    socket = null;
                }

                Count(_fault(answer), answer.Body);
            }
            catch (Exception failure) when (failure is SocketException or InvalidDataException or OperationCanceledException)
            {
                socket?.Dispose();
                socket = null;
                Count(failure switch
                {
                    SocketException error => $"{error.SocketErrorCode}",
                    OperationCanceledException => $"no answer in {_patience.TotalSeconds} s",
                    _ => failure.Message,
                }, "");
            }

            if (!patience.TryReset())
            {
                patience.Dispose();
                patience = new CancellationTokenSource();
            }
        }

        patience.Dispose();
        socket?.Dispose();
    }

    private void Count(string? failure, string body)
    {
        if (failure is null)
        {
            Interlocked.Increment(ref _answered);
            _bodies.AddOrUpdate(body, 1, (_, count) => count + 1);
        }
        else
        {
            Interlocked.Increment(ref _failed);
            _failures.AddOrUpdate(failure, 1, (_, count) => count + 1);
        }

        lock (_gate)
        {
            foreach (var mark in _marks.Where(mark => mark.At <= Done))
            {
                mark.Reached.TrySetResult();
            }

            _marks.RemoveAll(mark => mark.At <= Done);
        }
    }

    private static async Task<(LoadAnswer Answer, bool KeepAlive)> ReadResponseAsync(Socket socket, byte[] buffer, CancellationToken cancel)
    {
        var length = 0;
        int head;
        while ((head = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8)) < 0)
        {
            length += await ReceiveAsync(socket, buffer, length, cancel);
        }

        var text = Encoding.ASCII.GetString(buffer, 0, head + 2);
        if (!text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) || !Utf8Parser.TryParse(buffer.AsSpan(9, 3), out int status, out var digits) || digits != 3)
        {
            throw new InvalidDataException($"not HTTP/1.1: {text.Split('\r')[0]}");
        }

        var keep = !text.Contains("\r\nconnection: close\r\n", StringComparison.OrdinalIgnoreCase);
        var bodyStart = head + 4;
        const string LengthName = "\r\ncontent-length: ";
        var at = text.IndexOf(LengthName, StringComparison.OrdinalIgnoreCase);
        if (at < 0)
        {
            throw new InvalidDataException("an answer without content-length; this load wants sized bodies");
        }

        at += LengthName.Length;
        var expected = int.Parse(text.AsSpan(at, text.IndexOf('\r', at) - at));
        while (length < bodyStart + expected)
        {
            length += await ReceiveAsync(socket, buffer, length, cancel);
        }

        return (new LoadAnswer(status, text, Encoding.UTF8.GetString(buffer, bodyStart, expected)), keep);
    }

    private static async Task<int> ReceiveAsync(Socket socket, byte[] buffer, int offset, CancellationToken cancel)
    {
        var received = await socket.ReceiveAsync(buffer.AsMemory(offset), cancel);
        return received > 0 ? received : throw new InvalidDataException("connection closed under a request");
    }
}
