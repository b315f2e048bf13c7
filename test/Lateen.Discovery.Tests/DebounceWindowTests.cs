using System.Globalization;
using Lateen.Discovery.Files;

namespace Lateen.Discovery.Tests;

public sealed class DebounceWindowTests
{
    /// <summary>Changes at the given milliseconds after the first, quiet time 50, maximal delay 500: read at.</summary>
    [Theory]
    [InlineData("", 50)]
    [InlineData("40", 90)]
    [InlineData("40,80,120", 170)]
    [InlineData("40,100", 90)]
    [InlineData("40,80,120,160,200,240,280,320,360,400,440,480,520", 500)]
    [InlineData("40,80,120,160,200,240,280,320,360,400,440,470", 500)]
    public void A_burst_is_read_when_it_falls_quiet_and_at_the_latest_after_the_maximal_delay(string changes, int readAt)
    {
        var window = new DebounceWindow(TimeSpan.Zero, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(500));
        foreach (var change in changes.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(text => int.Parse(text, CultureInfo.InvariantCulture)))
        {
            var now = TimeSpan.FromMilliseconds(change);
            if (window.Remaining(now) <= TimeSpan.Zero) break;
            window.Touch(now);
        }

        Assert.Equal(TimeSpan.FromMilliseconds(readAt), window.Remaining(TimeSpan.Zero));
    }
}
