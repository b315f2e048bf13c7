using System.Diagnostics.CodeAnalysis;
using Lateen.Model;
using Lateen.Model.Security;

namespace Lateen.Discovery.Jwks;

/// <summary>
/// Keeps the keys of all issuers that policies name: fetches each when it is first wanted, again every 20 minutes, and after a failure with growing
/// delay. Keys that were fetched once stay while their issuer cannot be asked, up to <see cref="JwksOptions.MaxAge"/>; keys that are older, or were never
/// fetched, are not there, and translation then sends a set that no token passes.
/// </summary>
/// <remarks>
/// Thread-safe. <see cref="Want"/> says what is needed now; what nobody wants any more is forgotten. <see cref="Changed"/> is raised from a thread of the
/// pool, after <see cref="Current"/> changed.
/// </remarks>
public sealed class IssuerKeys : IAsyncDisposable
{
    private readonly JwksOptions _options;
    private readonly TimeProvider _time;
    private readonly Action<string> _log;
    private readonly KeyFetcher _fetcher;
    private readonly SemaphoreSlim _slots;
    private readonly Lock _lock = new();
    private readonly Dictionary<KeySource, Watch> _watches = [];
    private FetchedKeySets _current = FetchedKeySets.None;
    private string _leftOut = "";
    private bool _isDisposed;

    public IssuerKeys(JwksOptions options, TimeProvider time, Action<string> log)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _time = time;
        _log = log;
        _fetcher = new KeyFetcher(options, time);
        _slots = new SemaphoreSlim(options.MaxConcurrentFetches);
    }

    /// <summary>Raised when a set came, changed or went.</summary>
    public event Action? Changed;

    /// <summary>What was fetched of what is wanted.</summary>
    public FetchedKeySets Current => Volatile.Read(ref _current);

    /// <summary>Makes what the policies of a snapshot name the wanted sources: begins to fetch new ones, drops the others. Returns at once.</summary>
    public void Want(MeshSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        Follow(WantedSources.Of(snapshot, _options));
    }

    private void Follow(WantedSources wanted)
    {
        if (wanted.LeftOut.Length > 0 && wanted.LeftOut != _leftOut) _log($"warning: keys are not fetched, and tokens are refused, of {wanted.LeftOut}");
        _leftOut = wanted.LeftOut;
        bool isChanged = false;
        lock (_lock)
        {
            if (_isDisposed) return;
            var sources = wanted.Sources;
            foreach (var (source, watch) in _watches)
            {
                if (sources.ContainsKey(source)) continue;
                watch.Stop();
                _watches.Remove(source);
                isChanged |= watch.Keys is not null;
            }

            foreach (var (source, timeout) in sources)
            {
                if (_watches.TryGetValue(source, out var known)) known.Timeout = timeout;
                else
                {
                    var watch = new Watch { Timeout = timeout };
                    watch.Age = _time.CreateTimer(_ => GiveUp(source, watch), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                    _watches.Add(source, watch);
                    watch.Task = Task.Run(() => KeepAsync(source, watch));
                }
            }

            if (isChanged) Publish();
        }

        if (isChanged) Changed?.Invoke();
    }

    private async Task KeepAsync(KeySource source, Watch watch)
    {
        var stop = watch.Stopping;
        int failures = 0;
        try
        {
            while (true)
            {
                var fetched = await FetchAsync(source, watch, stop);
                failures = fetched.Keys is null ? failures + 1 : 0;
                if (fetched.Keys is { } keys) Accept(source, watch, keys);
                else Complain(source, watch, fetched.Failure!, failures);
                await Task.Delay(DelayAfter(source, failures), _time, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Nobody wants the source any more, or the control plane stops.
        }
    }

    private async Task<KeyFetch> FetchAsync(KeySource source, Watch watch, CancellationToken stop)
    {
        await _slots.WaitAsync(stop);
        try
        {
            return await _fetcher.FetchAsync(source, watch.Timeout, stop);
        }
        finally
        {
            _slots.Release();
        }
    }

    private void Accept(KeySource source, Watch watch, JsonWebKeySet keys)
    {
        lock (_lock)
        {
            if (watch.IsFailing) _log($"keys of {source} can be fetched again");
            watch.IsFailing = false;
            if (watch.Stopping.IsCancellationRequested) return;
            watch.Age.Change(_options.MaxAge, Timeout.InfiniteTimeSpan);
            // An issuer that answers as before costs no push.
            if (watch.Keys?.Text == keys.Text) return;
            watch.Keys = keys;
            Publish();
        }

        _log($"keys of {source}: {keys.Count}");
        if (!keys.Unusable.IsEmpty) _log($"warning: keys of {source}: {keys.Unusable.Length} cannot be used and are left out: {keys.Unusable[0]}");
        Changed?.Invoke();
    }

    /// <summary>Nobody confirmed the keys for as long as they may be believed.</summary>
    private void GiveUp(KeySource source, Watch watch)
    {
        lock (_lock)
        {
            if (watch.Keys is null || watch.Stopping.IsCancellationRequested) return;
            watch.Keys = null;
            Publish();
        }

        _log($"warning: keys of {source} could not be fetched for {_options.MaxAge.TotalHours:0.##} h and are given up; its tokens are refused until they can");
        Changed?.Invoke();
    }

    private void Complain(KeySource source, Watch watch, string failure, int failures)
    {
        lock (_lock)
        {
            // One line when it begins: an issuer that is away for a night must not fill the log.
            if (failures == 1)
                _log($"warning: keys of {source} cannot be fetched, {(watch.Keys is null ? "its tokens are refused" : $"the last good ones stay for {_options.MaxAge.TotalHours:0.##} h at most")}: {failure}");
            watch.IsFailing = true;
        }
    }

    /// <summary>Refreshes and retries of different sources are spread, by the source itself, so that many do not come at one moment.</summary>
    private TimeSpan DelayAfter(KeySource source, int failures)
    {
        var delay = failures == 0
            ? _options.RefreshInterval
            : TimeSpan.FromTicks(Math.Min(_options.MaxRetryDelay.Ticks, _options.FirstRetryDelay.Ticks << Math.Min(failures - 1, 16)));
        uint spread = 0;
        foreach (char letter in source.Uri) spread = (spread * 31) + letter;
        return delay - (delay * (spread % 100 / 1000.0));
    }

    /// <summary>Called with the lock held.</summary>
    private void Publish() =>
        Volatile.Write(ref _current, new FetchedKeySets(_watches.Where(entry => entry.Value.Keys is not null).Select(entry => KeyValuePair.Create(entry.Key, entry.Value.Keys!))));

    public async ValueTask DisposeAsync()
    {
        List<Task> tasks = [];
        lock (_lock)
        {
            _isDisposed = true;
            foreach (var watch in _watches.Values)
            {
                watch.Stop();
                tasks.Add(watch.Task);
            }

            _watches.Clear();
        }

        await Task.WhenAll(tasks);
        _fetcher.Dispose();
        _slots.Dispose();
    }

    /// <summary>One source. Its fields but the token are guarded by the lock of its owner; the timeout is only ever read late by one fetch.</summary>
    [SuppressMessage("Design", "CA1001", Justification = "The task still holds the token when it is stopped, and no timer hangs on the source.")]
    private sealed class Watch
    {
        private readonly CancellationTokenSource _stop = new();

        public CancellationToken Stopping => _stop.Token;

        public TimeSpan Timeout { get; set; }

        public JsonWebKeySet? Keys { get; set; }

        public bool IsFailing { get; set; }

        /// <summary>Fires when the keys are too old; set off by each fetch that worked.</summary>
        public ITimer Age { get; set; } = null!;

        public Task Task { get; set; } = Task.CompletedTask;

        public void Stop()
        {
            _stop.Cancel();
            Age.Dispose();
        }
    }
}
