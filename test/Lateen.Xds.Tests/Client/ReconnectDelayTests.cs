using Lateen.Xds.Client;

namespace Lateen.Xds.Tests.Client;

public sealed class ReconnectDelayTests
{
    [Fact]
    public void The_ceiling_doubles_from_half_a_second_to_thirty()
    {
        var delay = new ReconnectDelay();
        double[] ceilings = [.. new[] { 0, 1, 2, 5, 6, 7, 100, int.MaxValue }.Select(failures => delay.Next(failures, new Fixed(1)).TotalSeconds)];
        Assert.Equal([0.5, 1, 2, 16, 30, 30, 30, 30], ceilings);
    }

    [Fact]
    public void The_delay_is_drawn_evenly_below_the_ceiling()
    {
        var delay = new ReconnectDelay();
        Assert.Equal(TimeSpan.Zero, delay.Next(3, new Fixed(0)));
        Assert.Equal(TimeSpan.FromSeconds(1), delay.Next(3, new Fixed(0.25)));
    }

    private sealed class Fixed(double draw) : Random
    {
        public override double NextDouble() => draw;
    }
}
