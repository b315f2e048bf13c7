using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Net.Tests;

public sealed class TimerWheelTests
{
    private const int Grain = TimerWheel.GrainMilliseconds;

    private enum Step
    {
        Arm,
        Cancel,
        Advance,
    }

    [Fact]
    public async Task Timer_runs_once_when_its_time_has_passed_and_not_before()
    {
        var time = new FakeTimeProvider();
        await using var test = new TestReactor(time);
        var fired = new TaskCompletionSource();
        var timer = await test.Run(() =>
        {
            var timer = new ReactorTimer(test.Reactor, _ => fired.SetResult(), null);
            timer.Arm(1000);
            return timer;
        });

        time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.True(await test.Run(() => timer.IsArmed));

        time.Advance(TimeSpan.FromMilliseconds(1 + Grain));
        await fired.Task.WaitAsync(TestReactor.Patience, TestContext.Current.CancellationToken);
        Assert.False(await test.Run(() => timer.IsArmed));
        Assert.Equal(1, test.Reactor.Counters.Snapshot().TimersExpired);
    }

    [Fact]
    public async Task Clock_that_jumps_a_day_fires_each_timer_once()
    {
        var time = new FakeTimeProvider();
        await using var test = new TestReactor(time);
        var all = new TaskCompletionSource();
        var fired = 0;
        await test.Run(() =>
        {
            for (var i = 0; i < 1000; i++)
                new ReactorTimer(test.Reactor, _ => Count(), null).Arm(i * 3600);
        });

        time.Advance(TimeSpan.FromDays(1));
        await all.Task.WaitAsync(TestReactor.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(0, await test.Run(() => test.Reactor.Timers.ArmedCount));

        void Count()
        {
            if (++fired == 1000)
                all.SetResult();
        }
    }

    [Fact]
    public async Task Callback_may_cancel_its_neighbour_of_the_same_grain()
    {
        var time = new FakeTimeProvider();
        await using var test = new TestReactor(time);
        var fired = 0;
        var timers = await test.Run(() =>
        {
            var pair = new ReactorTimer[2];
            for (var i = 0; i < 2; i++)
            {
                var other = 1 - i;
                pair[i] = new ReactorTimer(test.Reactor, _ => { fired++; pair[other].Cancel(); }, null);
                pair[i].Arm(50);
            }

            return pair;
        });

        time.Advance(TimeSpan.FromSeconds(1));
        await test.Run(() => { });
        await test.Run(() => { });
        Assert.Equal(1, fired);
        Assert.False(await test.Run(() => timers[0].IsArmed || timers[1].IsArmed));
    }

    [Fact]
    public async Task Exception_of_a_callback_is_reported_and_the_next_timer_still_runs()
    {
        var time = new FakeTimeProvider();
        await using var test = new TestReactor(time);
        var fired = new TaskCompletionSource();
        await test.Run(() =>
        {
            new ReactorTimer(test.Reactor, _ => throw new InvalidOperationException("bug in a timer"), null).Arm(50);
            new ReactorTimer(test.Reactor, _ => fired.SetResult(), null).Arm(100);
        });

        time.Advance(TimeSpan.FromSeconds(1));
        await fired.Task.WaitAsync(TestReactor.Patience, TestContext.Current.CancellationToken);
        Assert.Equal("bug in a timer", (await test.NextUnhandled()).Message);
    }

    /// <summary>
    /// Any sequence of arming, re-arming, cancelling and time passing, against the plain rule: a timer fires in the first advance that
    /// reaches its deadline rounded up to the grain, and never otherwise.
    /// </summary>
    [Fact]
    public void Any_sequence_of_operations_fires_what_a_plain_list_of_deadlines_would()
    {
        var steps = Gen.Select(Gen.Enum<Step>(), Gen.Int[0, 7], Gen.Frequency(
            (6, Gen.Int[0, 200]), (3, Gen.Int[200, 40_000]), (1, Gen.Int[40_000, 4_000_000]))).List[1, 120];
        steps.Sample(script =>
        {
            using var clocks = new Disposing(new Reactor(new ReactorOptions { TimeProvider = new FakeTimeProvider() }));
            var wheel = new TimerWheel(1_000);
            var timers = new ReactorTimer[8];
            var dueTicks = new long?[8];
            for (var i = 0; i < timers.Length; i++)
                timers[i] = new ReactorTimer(clocks.Reactor, static _ => { }, i);
            var now = 1_000L;
            foreach (var (step, index, amount) in script)
            {
                switch (step)
                {
                    case Step.Arm:
                        wheel.Arm(timers[index], amount);
                        dueTicks[index] = Math.Max((now + amount + Grain - 1) / Grain, (now / Grain) + 1);
                        break;
                    case Step.Cancel:
                        wheel.Cancel(timers[index]);
                        dueTicks[index] = null;
                        break;
                    default:
                        var sleep = wheel.MillisecondsToNextTick(now);
                        var next = dueTicks.Min();
                        Assert.True(next is null ? sleep == -1 : now + sleep <= next * Grain, "the wheel would oversleep");
                        now += amount;
                        wheel.SetNow(now);
                        wheel.Advance();
                        var fired = new List<int>();
                        while (wheel.TakeExpired() is { } timer)
                            fired.Add(Array.IndexOf(timers, timer));
                        var expected = Enumerable.Range(0, 8).Where(i => dueTicks[i] <= now / Grain).ToList();
                        Assert.Equal(expected, fired.Order());
                        foreach (var i in expected)
                            dueTicks[i] = null;
                        break;
                }

                Assert.Equal(dueTicks.Count(due => due is not null), wheel.ArmedCount);
            }
        }, iter: 300);
    }

    private sealed class Disposing(Reactor reactor) : IDisposable
    {
        internal Reactor Reactor => reactor;

        // Never started, so stopping it ends at once.
        public void Dispose() => Assert.True(reactor.StopAsync(TimeSpan.Zero).IsCompleted);
    }
}
