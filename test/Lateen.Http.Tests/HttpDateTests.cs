using Microsoft.Extensions.Time.Testing;

namespace Lateen.Http.Tests;

public sealed class HttpDateTests
{
    [Fact]
    public void Rfc9110_5_6_7_date_is_imf_fixdate_and_changes_with_the_second()
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(1994, 11, 6, 8, 49, 37, 600, TimeSpan.Zero));
        var date = new HttpDate(clock);
        Assert.Equal("Sun, 06 Nov 1994 08:49:37 GMT", Reading.Text(date.Cached));
        clock.Advance(TimeSpan.FromMilliseconds(300));
        Assert.Equal("Sun, 06 Nov 1994 08:49:37 GMT", Reading.Text(date.Now));
        clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal("Sun, 06 Nov 1994 08:49:37 GMT", Reading.Text(date.Cached));
        Assert.Equal("Sun, 06 Nov 1994 08:49:38 GMT", Reading.Text(date.Now));
        Assert.Equal(HttpDate.Length, date.Now.Length);
    }
}
