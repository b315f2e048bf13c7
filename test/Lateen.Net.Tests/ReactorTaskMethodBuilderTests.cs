using System.Runtime.CompilerServices;

namespace Lateen.Net.Tests;

public sealed class ReactorTaskMethodBuilderTests
{
    [Fact]
    public async Task Result_of_a_call_that_suspended_reaches_its_awaiter()
    {
        await using var test = new TestReactor();
        var gate = new Gate();
        var call = test.Run(() => Outer(gate, 20));
        await gate.Opened(test);
        Assert.Equal(21 + 1, await call);
    }

    [Fact]
    public async Task Exception_after_a_suspension_is_thrown_at_the_await()
    {
        await using var test = new TestReactor();
        var gate = new Gate();
        var call = test.Run(() => Failing(gate));
        await gate.Opened(test);
        Assert.Equal("late", (await Assert.ThrowsAsync<InvalidOperationException>(() => call)).Message);
    }

    [Fact]
    public async Task Exception_before_any_suspension_is_thrown_at_the_await_and_not_at_the_call()
    {
        await using var test = new TestReactor();
        await test.Run(async () =>
        {
            var task = FailingAtOnce();
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await task);
        });
    }

    [Fact]
    public async Task Task_that_is_awaited_a_second_time_fails_loudly()
    {
        await using var test = new TestReactor();
        var gate = new Gate();
        var call = test.Run(async () =>
        {
            var task = Outer(gate, 1);
            Assert.Equal(3, await task);
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await task);
        });
        await gate.Opened(test);
        await call;
    }

    [Fact]
    public async Task Result_that_is_asked_for_too_early_fails_loudly()
    {
        await using var test = new TestReactor();
        var gate = new Gate();
        await test.Run(() =>
        {
            var task = Outer(gate, 1);
            Assert.Throws<InvalidOperationException>(() => task.GetAwaiter().GetResult());
        });
        await gate.Opened(test);
    }

    [Fact]
    public async Task Foreign_task_that_is_awaited_inside_resumes_on_the_reactor()
    {
        await using var test = new TestReactor();
        Assert.True(await test.Run(() => HopAndCompare(test.Reactor)));
    }

    [Fact]
    public async Task Hundreds_of_suspended_nested_calls_allocate_nothing_after_the_first_round()
    {
        AllocationTests.SkipInDebug();
        await using var test = new TestReactor();
        const int Calls = 500;
        var gate = new Gate();
        var results = new ResultSum(gate);
        await SuspendAll();
        await gate.Opened(test);

        for (var round = 0; round < 3; round++)
        {
            var allocated = await SuspendAll() + await gate.Opened(test);
            Assert.Equal(0, allocated);
        }

        Assert.Equal(4 * Calls * 3, results.Value);

        Task<long> SuspendAll() => test.Run(() =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Calls; i++)
                test.Reactor.Spawn(static results => results.AddOne(), results);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
    }

    [Fact]
    public async Task Call_that_does_not_suspend_allocates_nothing()
    {
        AllocationTests.SkipInDebug();
        await using var test = new TestReactor();
        var gate = new Gate { IsOpen = true };
        Assert.Equal(0, await test.Run(() =>
        {
            var sum = RunCalls(gate);
            var before = GC.GetAllocatedBytesForCurrentThread();
            sum += RunCalls(gate);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(2 * 100 * 3, sum);
            return allocated;
        }));

        static int RunCalls(Gate gate)
        {
            var sum = 0;
            for (var i = 0; i < 100; i++)
            {
                var call = Outer(gate, 1);
                sum += call.IsCompleted ? call.Result : 0;
            }

            return sum;
        }
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    private static async ValueTask<int> Outer(Gate gate, int value)
    {
        await Inner(gate);
        return await Increment(gate, value) + 1;
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    private static async ValueTask<int> Increment(Gate gate, int value)
    {
        await Inner(gate);
        return value + 1;
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private static async ValueTask Inner(Gate gate) => await gate;

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    private static async ValueTask<int> Failing(Gate gate)
    {
        await gate;
        throw new InvalidOperationException("late");
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
#pragma warning disable CS1998 // The point is an async method that ends before it awaits.
    private static async ValueTask FailingAtOnce() => throw new InvalidOperationException("at once");
#pragma warning restore CS1998

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    private static async ValueTask<bool> HopAndCompare(Reactor reactor)
    {
        await Task.Run(static () => Assert.Null(Reactor.Current));
        return Reactor.Current == reactor;
    }

    /// <summary>One caller per spawn, which adds the call's result to the sum.</summary>
    private sealed class ResultSum(Gate gate)
    {
        internal int Value { get; private set; }

        [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
        internal async ValueTask AddOne()
        {
            var result = await Outer(gate, 1);
            Value += result;
        }
    }

    /// <summary>Parks callers until it is opened, and allocates for none of them.</summary>
    private sealed class Gate : ICriticalNotifyCompletion
    {
        private readonly List<Action> _waiting = new(2048);
        private readonly List<Action> _released = new(2048);

        internal bool IsOpen { get; set; }

        public bool IsCompleted => IsOpen;

        public Gate GetAwaiter() => this;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => _waiting.Add(continuation);

        public void UnsafeOnCompleted(Action continuation) => _waiting.Add(continuation);

        /// <summary>Lets the waiting go, and those that wait again because of it, until nobody does; the bytes that this allocated.</summary>
        internal Task<long> Opened(TestReactor test) => test.Run(() =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            while (_waiting.Count > 0)
            {
                _released.AddRange(_waiting);
                _waiting.Clear();
                foreach (var continuation in _released)
                    continuation();
                _released.Clear();
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
    }
}
