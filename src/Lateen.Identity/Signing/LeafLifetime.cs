using System.Diagnostics.CodeAnalysis;

namespace Lateen.Identity.Signing;

/// <summary>How long workload certificates live, and the slack that clocks are given.</summary>
public static class LeafLifetime
{
    /// <summary>What a request gets that asks for nothing: Istio's.</summary>
    public static readonly TimeSpan Default = TimeSpan.FromHours(24);

    /// <summary>
    /// What our proxies ask for. They renew at half of it, give or take a tenth of that (<see cref="RenewalSchedule"/>), so at whatever moment the authority goes away, each
    /// certificate is good for 21 hours more: an authority that is gone for 20 costs nobody a handshake (adr 0026).
    /// </summary>
    public static readonly TimeSpan Asked = TimeSpan.FromHours(48);

    /// <summary>The longest. Hit: refused, so that nobody believes to have more than was given.</summary>
    public static readonly TimeSpan Max = TimeSpan.FromDays(90);

    /// <summary>The shortest. Hit: raised to it; below, renewals would follow one another without a pause.</summary>
    public static readonly TimeSpan Min = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How far the beginning of a certificate lies before the moment of signing. An authority whose clock is five minutes fast and a peer whose clock is five
    /// minutes slow are ten apart, and the last minute is for what rounds.
    /// </summary>
    public static readonly TimeSpan Backdating = TimeSpan.FromMinutes(11);

    /// <summary>How far clocks may differ from the true time, either way.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    /// <param name="seconds">As a request writes it; 0 and less take the default.</param>
    /// <returns>False with the reason when it is more than <see cref="Max"/>.</returns>
    public static bool TryChoose(long seconds, out TimeSpan lifetime, [NotNullWhen(false)] out string? reason)
    {
        reason = seconds > Max.TotalSeconds ? $"a lifetime of {seconds} s is asked for; {Max.TotalSeconds:0} s is the most" : null;
        lifetime = reason is not null || seconds <= 0 ? Default : TimeSpan.FromSeconds(Math.Max(seconds, Min.TotalSeconds));
        return reason is null;
    }
}
