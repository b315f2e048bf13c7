namespace Lateen.Proxy.Configuration;

/// <summary>
/// The one thread on which configuration is compiled, kept and published, so that none of it needs a lock and none of it runs on a reactor.
/// </summary>
/// <remarks>
/// Work is posted from any thread and runs in order. A test leaves it unstarted and runs what was posted itself, with <see
/// cref="RunPending"/>: the same code, step by step. The queue is bounded by its sources, which post one piece of work per message
/// received, timer or answer and wait for it or re-arm after it.
/// </remarks>
public sealed class ConfigurationThread : IDisposable
{
    private readonly Queue<Action> _queue = new();
    private readonly Action<Exception>? _onFault;
    private Thread? _thread;
    private bool _isStopped;

    /// <param name="onFault">Told of work that threw: a bug, after which the next work still runs.</param>
    public ConfigurationThread(Action<Exception>? onFault = null) => _onFault = onFault;

    public void Start()
    {
        _thread = new Thread(Run) { Name = "configuration", IsBackground = true };
        _thread.Start();
    }

    public void Post(Action work)
    {
        lock (_queue)
        {
            if (_isStopped) return;
            _queue.Enqueue(work);
            Monitor.Pulse(_queue);
        }
    }

    /// <summary>Runs work here and gives its result to the caller; what it throws goes to the caller, too.</summary>
    public Task<T> InvokeAsync<T>(Func<T> work)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                result.SetResult(work());
            }
            catch (Exception fault)
            {
                result.SetException(fault);
            }
        });
        return result.Task;
    }

    /// <summary>
    /// Runs everything that was posted, and what that posts, on the calling thread. Only while the thread is not started.
    /// </summary>
    public void RunPending()
    {
        while (TryTake(wait: false, out var work)) Execute(work);
    }

    /// <summary>Stops after the work in hand; what is still queued is dropped.</summary>
    public void Dispose()
    {
        lock (_queue)
        {
            _isStopped = true;
            _queue.Clear();
            Monitor.PulseAll(_queue);
        }

        if (_thread is not null && _thread != Thread.CurrentThread) _thread.Join();
    }

    private void Run()
    {
        while (TryTake(wait: true, out var work)) Execute(work);
    }

    private bool TryTake(bool wait, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Action? work)
    {
        lock (_queue)
        {
            while (_queue.Count == 0 && wait && !_isStopped) Monitor.Wait(_queue);
            return _queue.TryDequeue(out work);
        }
    }

    private void Execute(Action work)
    {
        try
        {
            work();
        }
        catch (Exception fault) when (_onFault is not null)
        {
            _onFault(fault);
        }
    }
}
