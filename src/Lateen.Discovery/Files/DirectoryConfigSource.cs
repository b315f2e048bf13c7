using System.Collections.Immutable;
using System.Threading.Channels;
using Lateen.Model;

namespace Lateen.Discovery.Files;

/// <summary>
/// The YAML and JSON files below a directory as a source of configuration, watched. Hidden files and directories are not read. A file
/// that cannot be read keeps its last good resources, a refused resource its last good version; a deleted file takes its resources along.
/// </summary>
/// <remarks>
/// The operating system tells which paths changed; bursts are read once they fall quiet. Because it may lose some or know none (network
/// and overlay file systems), all files are also looked at in intervals. One task does all reading; <see cref="Current"/> is swapped whole.
/// </remarks>
public sealed class DirectoryConfigSource : IConfigSource
{
    private readonly string _root;
    private readonly TimeProvider _time;
    private readonly DirectoryConfigOptions _options;
    private readonly SortedDictionary<string, ConfigFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<ResourceKey, string> _owners = [];
    private readonly PendingChanges _pending = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly SemaphoreSlim _reading = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private ImmutableArray<Diagnostic> _beyond = [];
    private FileSystemWatcher? _watcher;
    private ITimer? _rescan;
    private volatile ConfigSet _current = ConfigSet.Empty;

    public DirectoryConfigSource(string directory, TimeProvider time, DirectoryConfigOptions? options = null)
    {
        _root = Path.GetFullPath(directory);
        _time = time;
        _options = options ?? DirectoryConfigOptions.Default;
    }

    public event Action<ConfigSet>? Changed;

    public string Name => $"directory {_root}";

    public ConfigSet Current => _current;

    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <exception cref="DirectoryNotFoundException">There is no such directory: an operator's slip that must not look like an empty mesh.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!Directory.Exists(_root)) throw new DirectoryNotFoundException($"there is no directory {_root}");
        // Order matters: what changes between the first reading and the watch would be lost, what is seen twice is not harmful.
        StartWatcher();
        await RescanAsync(cancellationToken);
        _rescan = _time.CreateTimer(_ => RequestFullScan(), null, _options.RescanInterval, _options.RescanInterval);
        Completion = Task.Run(() => RunAsync(_stopping.Token), CancellationToken.None);
    }

    /// <summary>Looks at every file now, and publishes what changed before it returns.</summary>
    public async Task<ConfigSet> RescanAsync(CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        try
        {
            _pending.RequestFullScan();
            ReadPending();
            return _current;
        }
        finally
        {
            _reading.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested) return;
        await _stopping.CancelAsync();
        _watcher?.Dispose();
        if (_rescan is not null) await _rescan.DisposeAsync();
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
        _reading.Dispose();
    }

    private void StartWatcher()
    {
        _watcher?.Dispose();
        _watcher = new FileSystemWatcher(_root)
        {
            IncludeSubdirectories = true,
            NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size,
            InternalBufferSize = 64 * 1024,
        };
        _watcher.Created += (_, change) => OnChanged(change.FullPath);
        _watcher.Changed += (_, change) => OnChanged(change.FullPath);
        _watcher.Deleted += (_, change) => OnChanged(change.FullPath);
        _watcher.Renamed += (_, change) =>
        {
            OnChanged(change.OldFullPath);
            OnChanged(change.FullPath);
        };
        // Notifications were lost, or the watch itself was: look at everything.
        _watcher.Error += (_, _) => RequestFullScan();
        _watcher.EnableRaisingEvents = true;
    }

    private void OnChanged(string fullPath)
    {
        var path = Path.GetRelativePath(_root, fullPath).Replace(Path.DirectorySeparatorChar, '/');
        var parts = path.Split('/');
        // Kubernetes moves all files of a mounted ConfigMap at once by moving the link ..data.
        if (parts[^1] == "..data") _pending.RequestFullScan();
        else if (parts.Any(DirectoryListing.IsHidden)) return;
        else if (DirectoryListing.IsConfigFile(path)) _pending.Add(path);
        // A name without extension may be a directory that came or went; others are somebody's temporary or foreign files.
        else if (Path.GetExtension(path).Length == 0 || Directory.Exists(fullPath)) _pending.RequestFullScan();
        else return;
        _wake.Writer.TryWrite(true);
    }

    private void RequestFullScan()
    {
        _pending.RequestFullScan();
        _wake.Writer.TryWrite(true);
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            while (await _wake.Reader.WaitToReadAsync(stopping))
            {
                await QuietAsync(stopping);
                await _reading.WaitAsync(stopping);
                try
                {
                    ReadPending();
                }
                finally
                {
                    _reading.Release();
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Disposed: the ordinary end.
        }
    }

    /// <summary>Waits until a burst of changes is over; see <see cref="DebounceWindow"/>.</summary>
    private async Task QuietAsync(CancellationToken stopping)
    {
        var start = _time.GetTimestamp();
        var window = new DebounceWindow(TimeSpan.Zero, _options.QuietTime, _options.MaxDelay);
        _wake.Reader.TryRead(out _);
        while (window.Remaining(_time.GetElapsedTime(start)) is var wait && wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, _time, stopping);
            if (_wake.Reader.TryRead(out _)) window.Touch(_time.GetElapsedTime(start));
        }
    }

    /// <summary>Reads what changed and publishes; the caller holds the reading lock.</summary>
    private void ReadPending()
    {
        var (paths, isFullScan) = _pending.Take();
        var isChanged = isFullScan ? ScanAll(paths) : ReadPaths(paths);
        if (!isChanged) return;
        var next = ConfigFileSet.Join(_files.Values, _owners, _beyond);
        if (next.Resources.SequenceEqual(_current.Resources) && next.Diagnostics.SequenceEqual(_current.Diagnostics)) return;
        _current = next;
        Changed?.Invoke(next);
    }

    private bool ScanAll(HashSet<string> knownChanged)
    {
        var listing = DirectoryListing.List(_root);
        var isChanged = false;
        var count = 0;
        var beyond = ImmutableArray<Diagnostic>.Empty;
        foreach (var (path, stamp) in listing)
        {
            if (++count > _options.MaxFiles)
            {
                var code = DiagnosticCodes.TooManyFiles;
                beyond =
                [
                    new Diagnostic(
                        code.Code, code.Severity, null, "", $"the directory holds {listing.Count} files; this one and those after it are not read",
                        $"at most {_options.MaxFiles}", new SourceLocation(path, 0, 0)),
                ];
                break;
            }

            var isKnown = _files.TryGetValue(path, out var known) && known.Stamp == stamp && !knownChanged.Contains(path);
            if (!isKnown) isChanged |= ReadFile(path, stamp);
        }

        foreach (var gone in _files.Keys.Where(path => !listing.ContainsKey(path)).ToList()) isChanged |= _files.Remove(gone);
        isChanged |= !beyond.SequenceEqual(_beyond);
        _beyond = beyond;
        return isChanged;
    }

    private bool ReadPaths(HashSet<string> paths)
    {
        var isChanged = false;
        foreach (var path in paths.Order(StringComparer.Ordinal))
        {
            if (DirectoryListing.StampOf(Path.Combine(_root, path)) is not { } stamp) isChanged |= _files.Remove(path);
            else if (_files.ContainsKey(path) || _files.Count < _options.MaxFiles) isChanged |= ReadFile(path, stamp);
            else RequestFullScan();
        }

        return isChanged;
    }

    private bool ReadFile(string path, FileStamp stamp)
    {
        var known = _files.GetValueOrDefault(path);
        var file = ConfigFile.Read(_root, path, stamp, known, _options);
        if (file is null) return _files.Remove(path);
        _files[path] = file;
        return known is null || !ReferenceEquals(known.Text, file.Text) || !known.Diagnostics.SequenceEqual(file.Diagnostics);
    }

    /// <summary>Paths that changed since they were last taken. Written by the watcher's threads, taken by the reading task.</summary>
    private sealed class PendingChanges
    {
        private readonly Lock _lock = new();
        private HashSet<string> _paths = new(StringComparer.Ordinal);
        private bool _isFullScan;

        public void Add(string path)
        {
            lock (_lock) _paths.Add(path);
        }

        public void RequestFullScan()
        {
            lock (_lock) _isFullScan = true;
        }

        public (HashSet<string> Paths, bool IsFullScan) Take()
        {
            lock (_lock)
            {
                var taken = (_paths, _isFullScan);
                _paths = new HashSet<string>(StringComparer.Ordinal);
                _isFullScan = false;
                return taken;
            }
        }
    }
}
