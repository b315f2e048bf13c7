namespace Lateen.Testing;

/// <summary>One way to flood a server of HTTP/2 with what its protocol allows or has to answer.</summary>
/// <param name="Name">What it is known as.</param>
/// <param name="Counter">The statistic, after <c>http2.</c>, under which the proxy counts that it ended the connection; several, set apart by <c>|</c>, where either bound may be met first.</param>
/// <param name="AddBatch">Adds the frames of one batch to what an attacker sends next; told the batch's number, from 0.</param>
public sealed record Http2Flood(string Name, string Counter, Action<Http2Attacker, int> AddBatch)
{
    private const int FramesPerBatch = 500;

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
        new("CONTINUATION without end (CVE-2024-27316)", "continuation_flood", (attacker, batch) =>
        {
            if (batch == 0) attacker.Add(Http2Attacker.Headers, Http2Attacker.EndStream, 1, Http2Attacker.Get());
            Each(batch, _ => attacker.Add(Http2Attacker.Continuation, 0, 1, [0, 1, (byte)'a', 1, (byte)'b']));
        }),
        new("SETTINGS (CVE-2019-9515)", "settings_flood", (attacker, batch) => Each(batch, _ => attacker.Add(Http2Attacker.Settings, 0, 0, []))),
        // A client that pings and does not read is refused for the one or for the other, whichever bound it meets first.
        new("PING (CVE-2019-9512)", "ping_flood|outbound_control_flood", (attacker, batch) => Each(batch, _ => attacker.Add(Http2Attacker.Ping, 0, 0, new byte[8]))),
        new("empty DATA frames (CVE-2019-9518)", "inbound_empty_frames_flood", (attacker, batch) =>
        {
            if (batch == 0) attacker.Add(Http2Attacker.Headers, Http2Attacker.EndHeaders, 1, Http2Attacker.Post);
            Each(batch, _ => attacker.Add(Http2Attacker.Data, 0, 1, []));
        }),
        new("PRIORITY (CVE-2019-9513)", "inbound_priority_frames_flood", (attacker, batch) =>
            Each(batch, _ => attacker.Add(Http2Attacker.Priority, 0, 1, [0, 0, 0, 0, 16]))),
        new("WINDOW_UPDATE", "inbound_window_update_frames_flood", (attacker, batch) =>
            Each(batch, _ => attacker.Add(Http2Attacker.WindowUpdate, 0, 0, [0, 0, 0, 1]))),
    ];

    private static void Each(int batch, Action<int> add)
    {
        for (var i = 0; i < FramesPerBatch; i++)
        {
            add((batch * FramesPerBatch) + i);
        }
    }

    private static void EachStream(int batch, Action<int> add) => Each(batch, number => add((number * 2) + 1));
}
