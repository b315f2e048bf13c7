namespace Lateen.Testing;

/// <summary>One way to flood a server of HTTP/2 with what its protocol allows or has to answer.</summary>
/// <param name="Name">What it is known as.</param>
/// <param name="Counter">The statistic, after <c>http2.</c>, under which the proxy counts that it ended the connection.</param>
/// <param name="AddBatch">Adds the frames of one batch to what an attacker sends next; told the batch's number, from 0.</param>
public sealed record Http2Flood(string Name, string Counter, Action<Http2Attacker, int> AddBatch)
{
    private const int FramesPerBatch = 500;
    private const byte InitialWindowSize = 4;

    // The server's content for this path is larger than any window that is opened for it.
    private const string LargePath = "/bytes/50000000";

    private static readonly byte[] WindowOfZero = Http2Attacker.Setting(InitialWindowSize, 0);

    // One field of 3,900 octets goes into the table (literal with incremental indexing, RFC 7541 6.2.1); each octet 0xbe after that is that field again.
    private static readonly byte[] BombEntry = [0x40, 1, (byte)'a', 0x7f, 0xbd, 0x1d, .. Enumerable.Repeat((byte)'b', 3900)];
    private static readonly byte[] Bomb = [.. Enumerable.Repeat((byte)0xbe, 2000)];

    // 80 KB: above the limit of 60, and below its double, which ends a connection at once.
    private static readonly byte[] LargeHead = [.. Enumerable.Repeat((byte)0xbe, 20)];

    /// <summary>Each of them is refused by a bound of its own.</summary>
    public static IReadOnlyList<Http2Flood> All { get; } =
    [
        new("rapid reset (CVE-2023-44487)", "rapid_reset_flood", (attacker, batch) => EachStream(batch, stream =>
        {
            attacker.Add(Http2Attacker.Headers, Http2Attacker.EndStream | Http2Attacker.EndHeaders, stream, Http2Attacker.Get());
            attacker.Add(Http2Attacker.Reset, 0, stream, [0, 0, 0, 8]);
        })),
        new("resets provoked from our side (CVE-2025-8671)", "provoked_reset_flood", (attacker, batch) => EachStream(batch, stream =>
        {
            attacker.Add(Http2Attacker.Headers, Http2Attacker.EndHeaders, stream, Http2Attacker.Post);
            attacker.Add(Http2Attacker.WindowUpdate, 0, stream, [0, 0, 0, 0]);
        })),
        new("resets of closed streams", "closed_stream_flood", (attacker, batch) =>
        {
            if (batch == 0) attacker.Add(Http2Attacker.Headers, Http2Attacker.EndStream | Http2Attacker.EndHeaders, 1, Http2Attacker.Get());
            Each(batch, _ => attacker.Add(Http2Attacker.Reset, 0, 1, [0, 0, 0, 8]));
        }),
        new("CONTINUATION without end (CVE-2024-27316)", "continuation_flood", (attacker, batch) =>
        {
            if (batch == 0) attacker.Add(Http2Attacker.Headers, Http2Attacker.EndStream, 1, Http2Attacker.Get());
            Each(batch, _ => attacker.Add(Http2Attacker.Continuation, 0, 1, [0, 1, (byte)'a', 1, (byte)'b']));
        }),
        new("HPACK bombs (CVE-2016-6581)", "header_expansion_flood", (attacker, batch) => EachStream(batch, stream =>
        {
            byte[] entry = stream == 1 ? BombEntry : [];
            attacker.Add(Http2Attacker.Headers, Http2Attacker.EndStream | Http2Attacker.EndHeaders, stream, [.. Http2Attacker.Get(), .. entry, .. Bomb]);
        })),
        new("heads too large", "header_overflow_flood", (attacker, batch) => EachStream(batch, stream =>
        {
            byte[] entry = stream == 1 ? BombEntry : [];
            attacker.Add(Http2Attacker.Headers, Http2Attacker.EndStream | Http2Attacker.EndHeaders, stream, [.. Http2Attacker.Get(), .. entry, .. LargeHead]);
        })),
        new("SETTINGS (CVE-2019-9515)", "settings_flood", (attacker, batch) => Each(batch, _ => attacker.Add(Http2Attacker.Settings, 0, 0, []))),
        new("SETTINGS between unknown frames", "settings_flood", (attacker, batch) => Each(batch, _ =>
        {
            attacker.Add(Http2Attacker.Settings, 0, 0, []);
            attacker.Add(Http2Attacker.Unknown, 0, 0, [0]);
        })),
        new("INITIAL_WINDOW_SIZE up and down (CVE-2019-9517)", "initial_window_flood", (attacker, batch) =>
            Each(batch, number => attacker.Add(Http2Attacker.Settings, 0, 0, Http2Attacker.Setting(InitialWindowSize, number % 2 * 65_535)))) { Settings = WindowOfZero },
        Pings("PING (CVE-2019-9512)", attacker => attacker.Add(Http2Attacker.Ping, 0, 0, new byte[8])),
        Pings("PING between unknown frames", attacker =>
        {
            attacker.Add(Http2Attacker.Ping, 0, 0, new byte[8]);
            attacker.Add(Http2Attacker.Unknown, 0, 0, [0]);
        }),
        new("unknown frames", "unknown_frames_flood", (attacker, batch) => Each(batch, _ => attacker.Add(Http2Attacker.Unknown, 0, 0, [0]))),
        new("GOAWAY", "goaway_flood", (attacker, batch) =>
        {
            // While a stream is open the connection outlives the first.
            if (batch == 0) attacker.Add(Http2Attacker.Headers, Http2Attacker.EndHeaders, 1, Http2Attacker.Post);
            Each(batch, _ => attacker.Add(Http2Attacker.GoAway, 0, 0, new byte[1000]));
        }),
        new("empty DATA frames (CVE-2019-9518)", "inbound_empty_frames_flood", (attacker, batch) =>
        {
            if (batch == 0) attacker.Add(Http2Attacker.Headers, Http2Attacker.EndHeaders, 1, Http2Attacker.Post);
            Each(batch, _ => attacker.Add(Http2Attacker.Data, 0, 1, []));
        }),
        new("PRIORITY (CVE-2019-9513)", "inbound_priority_frames_flood", (attacker, batch) =>
            Each(batch, _ => attacker.Add(Http2Attacker.Priority, 0, 1, [0, 0, 0, 0, 16]))),
        new("WINDOW_UPDATE", "inbound_window_update_frames_flood", (attacker, batch) =>
            Each(batch, _ => attacker.Add(Http2Attacker.WindowUpdate, 0, 0, [0, 0, 0, 1]))),
        new("windows of one octet (CVE-2019-9511)", "window_dribble_flood", (attacker, _) => attacker.Add(Http2Attacker.Headers, Http2Attacker.EndStream | Http2Attacker.EndHeaders, 1, Http2Attacker.Get(LargePath)))
        {
            Settings = WindowOfZero,
            IsOfOneBatch = true,
            Answer = (attacker, type, _) =>
            {
                if (type is Http2Attacker.Headers or Http2Attacker.Data) attacker.Add(Http2Attacker.WindowUpdate, 0, 1, [0, 0, 0, 1]);
            },
        },
        new("readers that open no window", "slow_reader_flood", (attacker, _) =>
        {
            for (var stream = 1; stream < 200; stream += 2)
            {
                attacker.Add(Http2Attacker.Headers, Http2Attacker.EndStream | Http2Attacker.EndHeaders, stream, Http2Attacker.Get(LargePath));
            }
        })
        {
            Settings = WindowOfZero,
            IsOfOneBatch = true,
            // It is slow and not silent: our SETTINGS are acknowledged.
            Answer = (attacker, type, flags) =>
            {
                if (type == Http2Attacker.Settings && flags == 0) attacker.Add(Http2Attacker.Settings, 1, 0, []);
            },
        },
    ];

    /// <summary>Payload of the attacker's first SETTINGS.</summary>
    public byte[] Settings { get; init; } = [];

    /// <summary>The attacker sends one batch and then only answers; otherwise batch after batch.</summary>
    public bool IsOfOneBatch { get; init; }

    /// <summary>Adds what answers a frame of the server's; told its type and flags. Null: nothing does.</summary>
    public Action<Http2Attacker, byte, byte>? Answer { get; init; }

    /// <summary>Some at first and one more for each answer: many that are not waited for may meet the bound of answers that nobody reads before their own.</summary>
    private static Http2Flood Pings(string name, Action<Http2Attacker> add) => new(name, "ping_flood", (attacker, _) =>
    {
        for (var i = 0; i < 100; i++) add(attacker);
    })
    {
        IsOfOneBatch = true,
        Answer = (attacker, type, _) =>
        {
            if (type == Http2Attacker.Ping) add(attacker);
        },
    };

    private static void Each(int batch, Action<int> add)
    {
        for (var i = 0; i < FramesPerBatch; i++)
        {
            add((batch * FramesPerBatch) + i);
        }
    }

    private static void EachStream(int batch, Action<int> add) => Each(batch, number => add((number * 2) + 1));
}
