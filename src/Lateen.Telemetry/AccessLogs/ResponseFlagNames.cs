using System.Numerics;
using System.Text;

namespace Lateen.Telemetry.AccessLogs;

/// <summary>The short names (<c>UF,URX</c>) and long names of <see cref="ResponseFlags"/>, as Envoy writes them in logs and Istio in
/// metric labels.</summary>
public static class ResponseFlagNames
{
    private static readonly string[] ShortNames =
    [
        "LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "DI", "FI", "RL", "UAEX", "RLSE", "DC", "URX", "SI", "IH", "DPE", "UMSDR", "RFCF",
        "NFCF", "DT", "UPE", "NC", "OM", "DF", "DO", "DR", "UDO",
    ];

    private static readonly string[] LongNames =
    [
        "FailedLocalHealthCheck", "NoHealthyUpstream", "UpstreamRequestTimeout", "LocalReset", "UpstreamRemoteReset",
        "UpstreamConnectionFailure", "UpstreamConnectionTermination", "UpstreamOverflow", "NoRouteFound", "DelayInjected", "FaultInjected",
        "RateLimited", "UnauthorizedExternalService", "RateLimitServiceError", "DownstreamConnectionTermination",
        "UpstreamRetryLimitExceeded", "StreamIdleTimeout", "InvalidEnvoyRequestHeaders", "DownstreamProtocolError",
        "UpstreamMaxStreamDurationReached", "ResponseFromCacheFilter", "NoFilterConfigFound", "DurationTimeout", "UpstreamProtocolError",
        "NoClusterFound", "OverloadManagerTerminated", "DnsResolutionFailed", "DropOverload", "DownstreamRemoteReset",
        "UnconditionalDropOverload",
    ];

    private static readonly byte[][] ShortBytes = Array.ConvertAll(ShortNames, Encoding.ASCII.GetBytes);
    private static readonly byte[][] LongBytes = Array.ConvertAll(LongNames, Encoding.ASCII.GetBytes);

    /// <summary>The longest text that <see cref="Write"/> can produce. Octets.</summary>
    public const int MaxLength = 1024;

    /// <summary>The set as <c>UF,URX</c>, or <c>-</c> when it is empty. Allocates; for labels that are made once.</summary>
    public static string ToText(ResponseFlags flags)
    {
        if (flags == ResponseFlags.None)
            return "-";
        Span<byte> text = stackalloc byte[MaxLength];
        return Encoding.ASCII.GetString(text[..Write(flags, text, useLongNames: false)]);
    }

    /// <summary>Writes the set, parted by commas; nothing when it is empty. The destination takes <see cref="MaxLength"/> octets.</summary>
    /// <returns>Octets written.</returns>
    public static int Write(ResponseFlags flags, Span<byte> destination, bool useLongNames)
    {
        var names = useLongNames ? LongBytes : ShortBytes;
        var written = 0;
        for (var rest = (ulong)flags; rest != 0; rest &= rest - 1)
        {
            var bit = BitOperations.TrailingZeroCount(rest);
            if (bit >= names.Length)
                break;
            if (written > 0)
                destination[written++] = (byte)',';
            names[bit].CopyTo(destination[written..]);
            written += names[bit].Length;
        }
        return written;
    }

    /// <summary>The flag of a short name, as access-log filters and tests name it.</summary>
    public static bool TryParse(ReadOnlySpan<char> shortName, out ResponseFlags flag)
    {
        for (var i = 0; i < ShortNames.Length; i++)
        {
            if (shortName.SequenceEqual(ShortNames[i]))
            {
                flag = (ResponseFlags)(1UL << i);
                return true;
            }
        }
        flag = ResponseFlags.None;
        return false;
    }
}
