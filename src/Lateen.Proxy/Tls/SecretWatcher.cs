using System.Collections.Immutable;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Tls;

/// <summary>
/// Tells when files that secrets are read from may have changed: rewritten, replaced by a rename, or moved from under a link, as
/// Kubernetes swaps <c>..data</c> and certbot its <c>live</c> links.
/// </summary>
/// <remarks>
/// <para>Directories are watched, not files: a watch on a file follows the inode and goes blind when the file is replaced. Where a path leads
/// through links, the directory of the last target is watched as well.</para>
/// <para>Configuration thread only; events come from the runtime's own thread and are posted. Every <see cref="Patrol"/> all
/// watches are told to look again, for file systems and moments of which the kernel tells nothing (a directory that is not there yet, a
/// network mount, a kernel whose watches are used up).</para>
/// </remarks>
internal sealed class SecretWatcher : IDisposable
{
    /// <summary>How often files are looked at without being told of a change.</summary>
    public static readonly TimeSpan Patrol = TimeSpan.FromSeconds(10);

    /// <summary>Shortest time between two looks at one directory: others may write there all day long, which must not keep a thread busy.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly ConfigurationThread _thread;
    private readonly TimeProvider _time;
    private readonly HashSet<Watch> _watches = [];
    private readonly Dictionary<string, FileSystemWatcher> _directories = new(StringComparer.Ordinal);
    private ITimer? _patrol;

    public SecretWatcher(ConfigurationThread thread, TimeProvider time)
    {
        _thread = thread;
        _time = time;
    }

    /// <summary>Watches until the result is disposed of.</summary>
    /// <param name="paths">Files, and directories by a last part of <c>.</c>.</param>
    /// <param name="changed">Called on the configuration thread; may be called without a change.</param>
    public IDisposable Add(ImmutableArray<string> paths, Action changed)
    {
        var watch = new Watch(this, paths, changed);
        _watches.Add(watch);
        _patrol ??= _time.CreateTimer(_ => _thread.Post(LookAtAll), null, Patrol, Patrol);
        Renew();
        return watch;
    }

    public void Dispose()
    {
        _patrol?.Dispose();
        foreach (var directory in _directories.Values) directory.Dispose();
        _directories.Clear();
    }

    private void LookAtAll()
    {
        Renew();
        foreach (var watch in _watches.ToList()) watch.Changed();
    }

    private void LookAt(string directory)
    {
        var concerned = _watches.Where(watch => watch.Directories.Contains(directory)).ToList();
        foreach (var watch in concerned) watch.Changed();

        // Links may lead elsewhere now.
        Renew();
    }

    private void Remove(Watch watch)
    {
        if (!_watches.Remove(watch)) return;
        Renew();
        if (_watches.Count > 0) return;
        _patrol?.Dispose();
        _patrol = null;
    }

    /// <summary>Brings the watched directories in line with where the paths lead now.</summary>
    private void Renew()
    {
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        foreach (var watch in _watches)
        {
            watch.Directories = [.. watch.Paths.SelectMany(DirectoriesOf)];
            wanted.UnionWith(watch.Directories);
        }

        foreach (var (directory, watcher) in _directories.Where(entry => !wanted.Contains(entry.Key)).ToList())
        {
            watcher.Dispose();
            _directories.Remove(directory);
        }

        foreach (var directory in wanted)
        {
            if (!_directories.ContainsKey(directory) && Open(directory) is { } watcher) _directories.Add(directory, watcher);
        }
    }

    private FileSystemWatcher? Open(string directory)
    {
        FileSystemWatcher? watcher = null;
        var isPosted = 0;
        long? lookedAt = null;
        ITimer? pause = null;
        try
        {
            watcher = new FileSystemWatcher(directory)
            {
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.CreationTime,
            };
            watcher.Changed += (_, _) => Tell();
            watcher.Created += (_, _) => Tell();
            watcher.Deleted += (_, _) => Tell();
            watcher.Renamed += (_, _) => Tell();
            watcher.Error += (sender, _) => _thread.Post(() => Lose(directory, (FileSystemWatcher)sender));
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Not there, not readable, or no watch left: the patrol tries again, and looks at the files meanwhile.
            watcher?.Dispose();
            return null;
        }

        void Tell()
        {
            // One look per turn is enough, however many events a writer causes. The exchange pairs with the write before the look.
            if (Interlocked.Exchange(ref isPosted, 1) != 0) return;
            _thread.Post(LookInTime);
        }

        void LookInTime()
        {
            var rest = lookedAt is { } last ? Pause - _time.GetElapsedTime(last) : TimeSpan.Zero;
            pause?.Dispose();
            if (rest > TimeSpan.Zero) pause = _time.CreateTimer(_ => _thread.Post(Look), null, rest, Timeout.InfiniteTimeSpan);
            else Look();
        }

        void Look()
        {
            lookedAt = _time.GetTimestamp();
            Volatile.Write(ref isPosted, 0);
            LookAt(directory);
        }
    }

    private void Lose(string directory, FileSystemWatcher watcher)
    {
        if (!_directories.TryGetValue(directory, out var current) || !ReferenceEquals(current, watcher)) return;
        _directories.Remove(directory);
        watcher.Dispose();
        LookAt(directory);
    }

    private static IEnumerable<string> DirectoriesOf(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path.EndsWith("/.", StringComparison.Ordinal) ? path + "/x" : path)) is not { } direct) yield break;
        yield return direct;
        if (TargetOf(path) is { } target && Path.GetDirectoryName(target) is { } last && last != direct) yield return last;
    }

    private static string? TargetOf(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // A link into nowhere, or a circle, for now.
            return null;
        }
    }

    private sealed class Watch(SecretWatcher owner, ImmutableArray<string> paths, Action changed) : IDisposable
    {
        public ImmutableArray<string> Paths => paths;

        public Action Changed => changed;

        public ImmutableArray<string> Directories { get; set; } = [];

        public void Dispose() => owner.Remove(this);
    }
}
