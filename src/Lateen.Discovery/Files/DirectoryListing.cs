namespace Lateen.Discovery.Files;

/// <summary>What identifies the content of a file without reading it.</summary>
internal readonly record struct FileStamp(long Length, DateTime WrittenAt, string? LinkTarget);

/// <summary>Finds the configuration files below a directory.</summary>
internal static class DirectoryListing
{
    /// <summary>Directories below directories; deeper ones are not looked into.</summary>
    private const int MaxDepth = 32;

    /// <summary>
    /// True for <c>*.yaml</c>, <c>*.yml</c> and <c>*.json</c>, neither hidden nor below a hidden directory. Kubernetes mounts a ConfigMap as
    /// links into a hidden directory <c>..data</c>: the links count, the directory does not.
    /// </summary>
    public static bool IsConfigFile(string relativePath)
    {
        if (Path.GetExtension(relativePath).ToLowerInvariant() is not (".yaml" or ".yml" or ".json")) return false;
        return !relativePath.Split('/').Any(IsHidden);
    }

    public static bool IsHidden(string name) => name.StartsWith('.');

    /// <summary>Relative paths with their stamps, in path order. Directories that vanish or may not be read meanwhile are left out.</summary>
    public static SortedDictionary<string, FileStamp> List(string root)
    {
        var files = new SortedDictionary<string, FileStamp>(StringComparer.Ordinal);
        var visited = new HashSet<string>(StringComparer.Ordinal);
        Walk(new DirectoryInfo(root), "", 0, files, visited);
        return files;
    }

    /// <summary>Null when there is no such file.</summary>
    public static FileStamp? StampOf(string path)
    {
        try
        {
            var file = new FileInfo(path);
            var target = file.LinkTarget is null ? file : file.ResolveLinkTarget(returnFinalTarget: true);
            return target is FileInfo { Exists: true } real ? new FileStamp(real.Length, real.LastWriteTimeUtc, target == file ? null : real.FullName) : null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void Walk(
        DirectoryInfo directory, string prefix, int depth, SortedDictionary<string, FileStamp> files, HashSet<string> visited)
    {
        if (depth > MaxDepth) return;
        FileSystemInfo[] entries;
        try
        {
            // A directory that links lead to twice, or in a circle, is read once.
            var real = directory.LinkTarget is null ? directory.FullName : directory.ResolveLinkTarget(returnFinalTarget: true)?.FullName;
            if (real is null || !visited.Add(real)) return;
            entries = directory.GetFileSystemInfos();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return;
        }

        foreach (var entry in entries)
        {
            if (IsHidden(entry.Name)) continue;
            var path = prefix + entry.Name;
            if (Directory.Exists(entry.FullName)) Walk(new DirectoryInfo(entry.FullName), path + "/", depth + 1, files, visited);
            else if (IsConfigFile(path) && StampOf(entry.FullName) is { } stamp) files.Add(path, stamp);
        }
    }
}
