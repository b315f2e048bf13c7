using Lateen.Model;

namespace Lateen.Discovery.Files;

/// <summary>Bounds and times of a <see cref="DirectoryConfigSource"/>.</summary>
public sealed record DirectoryConfigOptions
{
    public static readonly DirectoryConfigOptions Default = new();

    /// <summary>Octets of one file. Hit: the file is refused with a diagnostic, its last good resources stay.</summary>
    public long MaxFileBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Files below the directory. Hit: the files beyond it, in path order, are not read, and a diagnostic says so.</summary>
    public int MaxFiles { get; init; } = 20_000;

    /// <summary>
    /// Changes are read when none came for this long: an editor writes a file in several steps. Each change waits for it, a renewed certificate too, so it is short. What is
    /// read half-written and is no YAML keeps its last good resources until the next look; a file that is empty, or ends between two documents, is taken at its word. Who writes
    /// slowly writes beside it and renames, as editors do.
    /// </summary>
    public TimeSpan QuietTime { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Changes are read after this long even when they do not cease.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>All files are looked at this often, for file systems (network, overlay) that notify of nothing.</summary>
    public TimeSpan RescanInterval { get; init; } = TimeSpan.FromSeconds(10);

    public ResourceReadOptions Reading { get; init; } = ResourceReadOptions.Default;
}
