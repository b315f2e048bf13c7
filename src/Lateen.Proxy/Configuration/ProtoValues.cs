using Google.Protobuf.WellKnownTypes;

namespace Lateen.Proxy.Configuration;

/// <summary>Reads values that several compilers need out of the well-known proto types, with their ranges checked.</summary>
internal static class ProtoValues
{
    /// <summary>Envoy counts in milliseconds in 32 bits; a century is enough for anybody.</summary>
    private const long MaxSeconds = 100L * 365 * 24 * 3600;

    /// <summary>A duration that is zero or more, or <paramref name="absent"/>.</summary>
    public static TimeSpan? Duration(Duration? value, TimeSpan? absent, FieldPath path, ConfigurationErrors errors)
    {
        if (value is null) return absent;
        if (value.Seconds is >= 0 and <= MaxSeconds && value.Nanos is >= 0 and < 1_000_000_000) return value.ToTimeSpan();
        errors.Add(path, "a duration must not be negative or longer than a century");
        return absent;
    }

    /// <summary>As <see cref="Duration"/>, where 0 s turns a timeout off: null then.</summary>
    public static TimeSpan? Timeout(Duration? value, TimeSpan? absent, FieldPath path, ConfigurationErrors errors) =>
        Duration(value, absent, path, errors) is { Ticks: > 0 } timeout ? timeout : null;

    /// <summary>As <see cref="Duration"/>, where 0 s makes no sense.</summary>
    public static TimeSpan Positive(Duration? value, TimeSpan absent, FieldPath path, ConfigurationErrors errors)
    {
        var duration = Duration(value, absent, path, errors) ?? absent;
        if (duration > TimeSpan.Zero) return duration;
        errors.Add(path, "must be greater than 0s");
        return absent;
    }
}
