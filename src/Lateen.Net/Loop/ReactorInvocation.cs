namespace Lateen.Net;

/// <summary>Bridges between a reactor and tasks that are awaited elsewhere.</summary>
internal static class ReactorInvocation
{
    internal static Task<T> Start<T>(Reactor reactor, Func<T> body) =>
        Start(reactor, () => ValueTask.FromResult(body()));

    internal static Task Start(Reactor reactor, Action body)
    {
        return Start(reactor, () =>
        {
            body();
            return ValueTask.FromResult(true);
        });
    }

    internal static Task Start(Reactor reactor, Func<ValueTask> body)
    {
        return Start(reactor, async () =>
        {
            await body();
            return true;
        });
    }

    internal static Task<T> Start<T>(Reactor reactor, Func<ValueTask<T>> body)
    {
        // The caller goes on where it awaits, not inside the reactor's turn.
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var accepted = reactor.Post(static state =>
        {
            var (work, result) = ((Func<ValueTask<T>>, TaskCompletionSource<T>))state!;
            _ = CompleteAsync(work, result);
        }, (body, completion));
        if (!accepted)
            completion.TrySetException(new InvalidOperationException("The reactor has ended."));
        return completion.Task;
    }

    private static async Detached CompleteAsync<T>(Func<ValueTask<T>> work, TaskCompletionSource<T> result)
    {
        try
        {
            result.TrySetResult(await work());
        }
        catch (OperationCanceledException canceled)
        {
            result.TrySetCanceled(canceled.CancellationToken);
        }
        catch (Exception exception)
        {
            result.TrySetException(exception);
        }
    }
}
