namespace Lateen.Xds.Tests.Loopback;

/// <summary>Lets a test wait until something that other threads change is as it should be. Changes are announced, never polled.</summary>
internal sealed class Condition
{
    private readonly Lock _gate = new();
    private readonly List<(Func<bool> IsMet, TaskCompletionSource Met)> _waits = [];

    /// <summary>Makes a change and looks which waits it ends.</summary>
    public void Change(Action change)
    {
        lock (_gate)
        {
            change();
            foreach ((Func<bool> isMet, TaskCompletionSource met) in _waits.Where(static wait => wait.IsMet()).ToList())
            {
                _waits.RemoveAll(wait => wait.Met == met);
                met.SetResult();
            }
        }
    }

    public async Task Until(string what, Func<bool> isMet, Func<string> state)
    {
        var met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (isMet())
            {
                return;
            }

            _waits.Add((isMet, met));
        }

        try
        {
            await met.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"It did not come about that {what}. Last seen: {state()}");
        }
    }
}
