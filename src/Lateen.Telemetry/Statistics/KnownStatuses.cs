namespace Lateen.Telemetry.Statistics;

/// <summary>The HTTP statuses that get a counter each: those of the IANA registry, and 499 and 520 to 524, which real upstreams send.
/// </summary>
public static class KnownStatuses
{
    private static readonly short[] Statuses =
    [
        100, 101, 102, 103, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403, 404,
        405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 499, 500, 501,
        502, 503, 504, 505, 506, 507, 508, 510, 511, 520, 521, 522, 523, 524,
    ];

    private static readonly sbyte[] IndexByStatus = BuildIndex();

    /// <summary>How many cells a subject with a counter per status takes.</summary>
    public static int Count => Statuses.Length;

    /// <summary>The status at a position, for naming its counter.</summary>
    public static int At(int index)
    {
        return Statuses[index];
    }

    /// <summary>The position of a status, or -1 when it has no counter of its own.</summary>
    public static int IndexOf(int status)
    {
        var offset = status - 100;
        return (uint)offset < (uint)IndexByStatus.Length ? IndexByStatus[offset] : -1;
    }

    private static sbyte[] BuildIndex()
    {
        var index = new sbyte[500];
        Array.Fill(index, (sbyte)-1);
        for (var i = 0; i < Statuses.Length; i++)
            index[Statuses[i] - 100] = (sbyte)i;
        return index;
    }
}
