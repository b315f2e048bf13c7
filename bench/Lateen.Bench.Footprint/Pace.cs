namespace Lateen.Bench.Footprint;

/// <summary>The pauses of a program that watches others from outside: they signal nothing, so they are asked again, or looked at later.</summary>
internal static class Pace
{
    /// <summary>Between two questions: fine beside what is measured, and rare enough to leave the processor to it.</summary>
    internal static void BetweenQuestions() => Pause(TimeSpan.FromMilliseconds(1));

    /// <summary>Before memory at rest is read: beyond the moment at which a proxy gives back what only its start needed.</summary>
    internal static void Rest() => Pause(TimeSpan.FromSeconds(10));

    /// <summary>Before resident memory after some work is read.</summary>
    internal static void Settle() => Pause(TimeSpan.FromSeconds(1));

#pragma warning disable RS0030 // A foreign process gives no event to wait for.
    private static void Pause(TimeSpan length) => Thread.Sleep(length);
#pragma warning restore RS0030
}
