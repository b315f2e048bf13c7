using System.Globalization;
using System.Text;
using Lateen.Model;

namespace Lateen.Discovery.Files;

/// <summary>What came of writing to a configuration directory.</summary>
/// <param name="Path">File that was written or removed, relative to the directory; null when nothing was done.</param>
/// <param name="Failure">Why nothing was done, for the person who asked; null on success.</param>
public readonly record struct WriteResult(string? Path, string? Failure)
{
    public bool IsSuccess => Failure is null;
}

/// <summary>
/// Writes resources into a configuration directory as a person would: a resource that a file already holds is replaced where it stands,
/// other documents of the file with their comments left as they are; a new one gets a file of its own,
/// <c>kind-namespace-name.yaml</c>.
/// </summary>
/// <remarks>
/// A file is replaced by renaming a complete, flushed copy over it, so a reader sees the old text or the new, and a crash leaves one of
/// them. Not safe for two writers of one file at a time.
/// </remarks>
public sealed class ResourceWriter(string directory)
{
    private readonly string _root = Path.GetFullPath(directory);

    /// <summary>The name of a resource's own file.</summary>
    public static string FileNameOf(ResourceKey key) => $"{key.Kind.Name.ToLowerInvariant()}-{key.Namespace}-{key.Name}.yaml";

    /// <summary>Stores a document.</summary>
    /// <param name="text">The document without <c>---</c> lines, as <see cref="Resource.Text"/>.</param>
    /// <param name="currentFile">The file that holds the key now (<see cref="ResourceMetadata.Location"/>); null when none does.</param>
    public WriteResult Store(ResourceKey key, string text, string? currentFile)
    {
        var path = currentFile ?? FileNameOf(key);
        if (Resolve(path) is not { } fullPath) return new WriteResult(null, $"{path} is not inside {_root}");
        var body = text.EndsWith('\n') ? text : text + "\n";
        if (!File.Exists(fullPath)) return Replace(fullPath, path, body);

        var old = File.ReadAllText(fullPath);
        var (found, failure) = Find(old, path, key);
        if (failure is not null) return new WriteResult(null, failure);
        if (found is not { } range)
        {
            var separator = old.Length == 0 ? "" : old.EndsWith('\n') ? "---\n" : "\n---\n";
            return Replace(fullPath, path, old + separator + body);
        }

        var marker = range.HasMarker ? "---\n" : "";
        return Replace(fullPath, path, string.Concat(old.AsSpan(0, range.Start), marker, body, old.AsSpan(range.End)));
    }

    /// <summary>Removes a document; the file goes with its last one.</summary>
    public WriteResult Delete(ResourceKey key, string currentFile)
    {
        if (Resolve(currentFile) is not { } fullPath || !File.Exists(fullPath))
            return new WriteResult(null, $"there is no file {currentFile}");
        var old = File.ReadAllText(fullPath);
        var (found, failure) = Find(old, currentFile, key);
        if (failure is not null) return new WriteResult(null, failure);
        if (found is not { } range) return new WriteResult(null, $"{currentFile} does not hold {key}");
        var rest = string.Concat(old.AsSpan(0, range.Start), old.AsSpan(range.End));
        if (ResourceReader.Read(rest, currentFile).Documents.Length > 0) return Replace(fullPath, currentFile, rest);
        File.Delete(fullPath);
        return new WriteResult(currentFile, null);
    }

    /// <summary>The characters of a document, from its <c>---</c> up to the next one.</summary>
    private static ((int Start, int End, bool HasMarker)? Range, string? Failure) Find(string text, string path, ResourceKey key)
    {
        var documents = ResourceReader.Read(text, path).Documents;
        var matching = documents.Where(candidate => candidate.Key == key).ToList();
        if (matching.Count == 0) return (null, null);
        if (matching.Count > 1) return (null, $"{path} declares {key} twice; edit it by hand");
        var document = matching[0];
        if (documents.Any(other => other != document && other.Lines == document.Lines))
            return (null, $"{key} is an item of a list in {path}; edit it by hand");
        var start = StartOfLine(text, document.Lines.First);
        var hasMarker = text.AsSpan(start).StartsWith("---");
        var end = NextMarker(text, start);
        return ((start, end, hasMarker), null);
    }

    private static int StartOfLine(string text, int line)
    {
        var at = 0;
        for (var i = 1; i < line; i++) at = text.IndexOf('\n', at) + 1;
        return at;
    }

    /// <summary>Three dashes at the start of a line are a document marker wherever they stand (YAML 1.2.2 section 9.1.2).</summary>
    private static int NextMarker(string text, int start)
    {
        for (var at = text.IndexOf('\n', start) + 1; at > 0; at = text.IndexOf('\n', at) + 1)
        {
            var rest = text.AsSpan(at);
            if (rest.StartsWith("---") && (rest.Length == 3 || char.IsWhiteSpace(rest[3]))) return at;
        }

        return text.Length;
    }

    /// <summary>The real path of a file of the directory, through links; null for one outside of it.</summary>
    private string? Resolve(string relativePath)
    {
        var fullPath = Path.GetFullPath(Path.Combine(_root, relativePath));
        if (!fullPath.StartsWith(_root + Path.DirectorySeparatorChar, StringComparison.Ordinal)) return null;
        return File.Exists(fullPath) ? new FileInfo(fullPath).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? fullPath : fullPath;
    }

    private static WriteResult Replace(string fullPath, string path, string text)
    {
        var temporary = string.Create(CultureInfo.InvariantCulture, $"{fullPath}.{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(fullPath)!);
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                if (!OperatingSystem.IsWindows() && File.Exists(fullPath)) File.SetUnixFileMode(temporary, File.GetUnixFileMode(fullPath));
                stream.Write(Encoding.UTF8.GetBytes(text));
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, fullPath, overwrite: true);
            return new WriteResult(path, null);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            File.Delete(temporary);
            return new WriteResult(null, $"{path} cannot be written: {fault.Message}");
        }
    }
}
