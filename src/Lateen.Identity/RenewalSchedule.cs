namespace Lateen.Identity;

/// <summary>When the next certificate is asked for. Pure: time and chance are handed in.</summary>
public static class RenewalSchedule
{
    /// <summary>Before the second attempt; doubled for each further one.</summary>
    public static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(250);

    /// <summary>The longest pause between attempts. An authority that is back is found within this time.</summary>
    public static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(60);

    /// <summary>Renewals lie this far around half life, so that a thousand proxies that were started together do not come together.</summary>
    public const double Spread = 0.05;

    /// <summary>The part of a lifetime whose beginning without a renewal is worth a warning, and then at each further attempt.</summary>
    public const double Late = 0.8;

    /// <summary>When a certificate is renewed: at half of what it had before it when it came.</summary>
    /// <param name="receivedAt">When it came.</param>
    /// <param name="notAfter">When it ends.</param>
    /// <param name="chance">0 to 1.</param>
    public static DateTimeOffset RenewAt(DateTimeOffset receivedAt, DateTimeOffset notAfter, double chance) =>
        receivedAt + ((notAfter - receivedAt) * (0.5 + ((chance * 2) - 1) * Spread));

    /// <summary>The pause after a failure.</summary>
    /// <param name="failures">In a row, this one counted; from 1.</param>
    /// <param name="chance">0 to 1; the pause is half to all of what is due.</param>
    public static TimeSpan PauseAfter(int failures, double chance)
    {
        var due = FirstBackoff * Math.Pow(2, Math.Min(failures - 1, 16));
        return (due < LongestBackoff ? due : LongestBackoff) * (0.5 + (chance / 2));
    }

    /// <summary>So much of the lifetime is over that an operator should know.</summary>
    public static bool IsLate(DateTimeOffset receivedAt, DateTimeOffset notAfter, DateTimeOffset now) => now >= receivedAt + ((notAfter - receivedAt) * Late);
}
