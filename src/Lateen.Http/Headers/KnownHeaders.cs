using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace Lateen.Http;

/// <summary>
/// The names behind <see cref="KnownHeader"/>, in lower case as Envoy writes them, and the recognition of a name on the wire.
/// Immutable after start-up; safe from any thread.
/// </summary>
public static class KnownHeaders
{
    /// <summary>Members of <see cref="KnownHeader"/>, <see cref="KnownHeader.None"/> included.</summary>
    public const int Count = (int)KnownHeader.XEnvoyUpstreamStreamDurationMs + 1;

    private const int LongestKnownName = 40;
    private const ulong LowerCaseBits = 0x2020_2020_2020_2020;

    private static readonly byte[][] Names = BuildNames();
    private static readonly Candidate[][] ByLength = BuildCandidates();

    /// <summary>The lower-case name of a known header; empty for <see cref="KnownHeader.None"/>.</summary>
    public static ReadOnlySpan<byte> NameOf(KnownHeader header) => Names[(int)header];

    /// <summary>
    /// The id of a field name, ignoring ASCII case, or <see cref="KnownHeader.None"/>. The name must consist of RFC 9110 token
    /// characters: setting bit 5 of each byte then lower-cases letters and turns no other token character into one of a known name.
    /// </summary>
    /// <remarks>
    /// Names of equal length are told apart by their first and last eight bytes, which is the whole name up to sixteen bytes; only
    /// longer ones need a comparison of what lies between.
    /// </remarks>
    public static KnownHeader Recognize(ReadOnlySpan<byte> name)
    {
        if ((uint)name.Length >= (uint)ByLength.Length) return KnownHeader.None;
        Candidate[] candidates = ByLength[name.Length];
        if (candidates.Length == 0) return KnownHeader.None;
        ulong first = FirstWord(name);
        ulong last = LastWord(name);
        foreach (ref readonly Candidate candidate in candidates.AsSpan())
        {
            if (candidate.First != first || candidate.Last != last) continue;
            if (name.Length <= 16 || Ascii.EqualsIgnoreCase(name[8..^8], Names[(int)candidate.Header].AsSpan(8, name.Length - 16)))
                return candidate.Header;
        }

        return KnownHeader.None;
    }

    private static ulong FirstWord(ReadOnlySpan<byte> name) => name.Length switch
    {
        >= 8 => BinaryPrimitives.ReadUInt64LittleEndian(name) | LowerCaseBits,
        >= 4 => BinaryPrimitives.ReadUInt32LittleEndian(name) | LowerCaseBits,
        3 => (uint)(name[0] | name[1] << 8 | name[2] << 16) | LowerCaseBits,
        2 => (uint)(name[0] | name[1] << 8) | LowerCaseBits,
        1 => name[0] | LowerCaseBits,
        _ => 0,
    };

    private static ulong LastWord(ReadOnlySpan<byte> name) => name.Length switch
    {
        >= 8 => BinaryPrimitives.ReadUInt64LittleEndian(name[^8..]) | LowerCaseBits,
        >= 4 => BinaryPrimitives.ReadUInt32LittleEndian(name[^4..]) | LowerCaseBits,
        _ => 0,
    };

    private static byte[][] BuildNames()
    {
        var names = new byte[Count][];
        names[0] = [];
        for (int i = 1; i < Count; i++) names[i] = Encoding.ASCII.GetBytes(Spell((KnownHeader)i));
        return names;
    }

    private static Candidate[][] BuildCandidates()
    {
        var byLength = new List<Candidate>[LongestKnownName + 1];
        for (int i = 0; i < byLength.Length; i++) byLength[i] = [];
        for (int i = 1; i < Count; i++)
        {
            byte[] name = Names[i];
            Debug.Assert(name.Length <= LongestKnownName, "raise LongestKnownName");
            byLength[name.Length].Add(new Candidate(FirstWord(name), LastWord(name), (KnownHeader)i));
        }

        return Array.ConvertAll(byLength, static list => list.ToArray());
    }

    /// <summary>Member name to wire name: a hyphen before each capital (<c>XB3TraceId</c> is <c>x-b3-traceid</c>, so some are spelled out).</summary>
    private static string Spell(KnownHeader header)
    {
        switch (header)
        {
            case KnownHeader.ETag: return "etag";
            case KnownHeader.B3: return "b3";
            case KnownHeader.Http2Settings: return "http2-settings";
            case KnownHeader.TraceParent: return "traceparent";
            case KnownHeader.TraceState: return "tracestate";
            case KnownHeader.XB3TraceId: return "x-b3-traceid";
            case KnownHeader.XB3SpanId: return "x-b3-spanid";
            case KnownHeader.XB3ParentSpanId: return "x-b3-parentspanid";
            case KnownHeader.XB3Sampled: return "x-b3-sampled";
            case KnownHeader.XB3Flags: return "x-b3-flags";
            case KnownHeader.SecWebSocketKey: return "sec-websocket-key";
            case KnownHeader.SecWebSocketVersion: return "sec-websocket-version";
            case KnownHeader.SecWebSocketAccept: return "sec-websocket-accept";
            case KnownHeader.SecWebSocketProtocol: return "sec-websocket-protocol";
            case KnownHeader.SecWebSocketExtensions: return "sec-websocket-extensions";
            case KnownHeader.XEnvoyImmediateHealthCheckFail: return "x-envoy-immediate-health-check-fail";
            case KnownHeader.XEnvoyRateLimited: return "x-envoy-ratelimited";
            case KnownHeader.XEnvoyUpstreamHealthCheckedCluster: return "x-envoy-upstream-healthchecked-cluster";
        }

        var name = new StringBuilder();
        foreach (char c in header.ToString())
        {
            if (char.IsAsciiLetterUpper(c) && name.Length > 0) name.Append('-');
            name.Append(char.ToLowerInvariant(c));
        }

        return name.ToString();
    }

    private readonly record struct Candidate(ulong First, ulong Last, KnownHeader Header);
}
