using Lateen.Proxy.Tls;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>Counts what becomes of named secrets: <c>sds.NAME.*</c>.</summary>
/// <remarks>On the configuration thread.</remarks>
public sealed class SecretTally(StatsRegistry registry)
{
    /// <summary>Names with counters of their own. Count. Hit: further ones are not counted; a proxy knows a few dozen.</summary>
    public const int MaxNames = 4096;

    private readonly Dictionary<string, SecretStats> _stats = new(StringComparer.Ordinal);

    public void Count(SecretEvent happened)
    {
        if (!_stats.TryGetValue(happened.Name, out var stats))
        {
            if (_stats.Count >= MaxNames) return;
            _stats.Add(happened.Name, stats = SecretStats.Open(registry, happened.Name));
        }

        var shared = registry.Shared;
        switch (happened.Outcome)
        {
            case SecretOutcome.Taken:
                shared.Add(stats.UpdateAttempt);
                shared.Add(stats.UpdateSuccess);
                break;
            case SecretOutcome.Refused:
                shared.Add(stats.UpdateAttempt);
                shared.Add(stats.UpdateRejected);
                break;
            case SecretOutcome.TimedOut:
                shared.Add(stats.InitialFetchTimeout);
                break;
            case SecretOutcome.Rotated:
                shared.Add(stats.KeyRotation);
                break;
            case SecretOutcome.RotationFailed:
                shared.Add(stats.KeyRotationFailed);
                break;
        }
    }
}

/// <summary>What one named secret counts: <c>sds.NAME.*</c>.</summary>
public sealed class SecretStats : StatGroup
{
    private static readonly StatSchema<SecretStats> Schema = new(static fields => new SecretStats(fields));

    private SecretStats(StatFields fields)
        : base(fields)
    {
        UpdateAttempt = fields.Counter("update_attempt");
        UpdateSuccess = fields.Counter("update_success");
        UpdateRejected = fields.Counter("update_rejected");
        InitialFetchTimeout = fields.Counter("init_fetch_timeout");
        KeyRotation = fields.Counter("key_rotation");
        KeyRotationFailed = fields.Counter("key_rotation_failed");
    }

    /// <summary>Versions that the control plane sent.</summary>
    public Counter UpdateAttempt { get; }

    /// <summary>Of these, those in use.</summary>
    public Counter UpdateSuccess { get; }

    /// <summary>Of these, those that could not be used.</summary>
    public Counter UpdateRejected { get; }

    /// <summary>Times that nothing came in time.</summary>
    public Counter InitialFetchTimeout { get; }

    /// <summary>Times that its files changed and were taken. Ours, not Envoy's.</summary>
    public Counter KeyRotation { get; }

    /// <summary>Times that its files changed and could not be used.</summary>
    public Counter KeyRotationFailed { get; }

    /// <summary>Opens the group of a secret.</summary>
    public static SecretStats Open(StatsRegistry registry, string name)
    {
        var text = StatNames.Sanitize(name);
        return Schema.Open(registry, new StatScope($"sds.{text}.", $"envoy_sds_{StatNames.ToFamily(text)}_", []));
    }
}
