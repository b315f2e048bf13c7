using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lateen.ControlPlane.Store;

/// <summary>A resource that was applied, as the journal keeps it: the document as written, and what the document itself does not say.</summary>
/// <param name="Namespace">The namespace that holds it, which the document may have left to the command line.</param>
/// <param name="CreatedAt">When it was first applied: competing rules are ordered by age, on this run and after a restart.</param>
/// <param name="File">The file that it was applied from, which logs and verdicts name; null: unknown.</param>
/// <param name="Line">Line of the file in which the text begins, from 1; 0: unknown.</param>
public sealed record JournalPut(JournalKey Key, string Text, string Namespace, DateTimeOffset CreatedAt, string? File = null, int Line = 0);

/// <summary>The identity of a resource in the journal. Plain strings: a journal outlives the release that wrote it.</summary>
public sealed record JournalKey(string Group, string Kind, string Namespace, string Name);

/// <summary>One commit. A commit that only moved the revision on (a file changed) has neither puts nor deletes.</summary>
public sealed record JournalEntry(long Revision, DateTimeOffset Time, IReadOnlyList<JournalPut> Puts, IReadOnlyList<JournalKey> Deletes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(JournalEntry))]
internal sealed partial class JournalJson : JsonSerializerContext;

/// <summary>
/// Keeps what was applied through the API across restarts: one JSON object per line, appended and flushed to disk before the commit is answered.
/// A line is a whole commit, so what a crash leaves is a whole number of commits: a torn last line was never answered, and is cut off.
/// </summary>
/// <remarks>
/// Not thread-safe; the store calls under its lock. Files are readable by their owner alone, since what is applied may say where secrets are.
/// </remarks>
public sealed class RevisionJournal : IDisposable
{
    private const string FileName = "journal.jsonl";

    private readonly string _path;
    private FileStream _stream;

    private RevisionJournal(string path, FileStream stream)
    {
        _path = path;
        _stream = stream;
    }

    /// <summary>Opens or makes the journal of a directory and gives all commits that it holds, oldest first.</summary>
    /// <exception cref="IOException">The directory cannot be written, or another control plane holds the journal.</exception>
    public static RevisionJournal Open(string directory, out IReadOnlyList<JournalEntry> entries)
    {
        Directory.CreateDirectory(directory);
        string path = Path.Combine(directory, FileName);
        var stream = OpenFile(path, FileMode.OpenOrCreate);
        try
        {
            entries = ReadAll(stream);
            return new RevisionJournal(path, stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static FileStream OpenFile(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(path, options);
    }

    private static List<JournalEntry> ReadAll(FileStream stream)
    {
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        var entries = new List<JournalEntry>();
        int start = 0;
        while (Array.IndexOf(content, (byte)'\n', start) is var end && end >= 0)
        {
            try
            {
                if (JsonSerializer.Deserialize(content.AsSpan(start..end), JournalJson.Default.JournalEntry) is not { } entry) break;
                entries.Add(entry);
            }
            catch (JsonException)
            {
                break;
            }

            start = end + 1;
        }

        // Order matters: cut before the first append, or the torn line and the next commit would become one.
        stream.SetLength(start);
        stream.Position = start;
        return entries;
    }

    /// <summary>Adds a commit. Durable when it returns if it carries resources; a bare revision number may be lost with the machine.</summary>
    public void Append(JournalEntry entry)
    {
        byte[] line = JsonSerializer.SerializeToUtf8Bytes(entry, JournalJson.Default.JournalEntry);
        Array.Resize(ref line, line.Length + 1);
        line[^1] = (byte)'\n';
        _stream.Write(line);
        if (entry.Puts.Count + entry.Deletes.Count > 0) _stream.Flush(flushToDisk: true);
    }

    /// <summary>Replaces the whole journal by one commit that says the same, so that it does not grow for ever. The old one stays until the new one is whole.</summary>
    public void Compact(JournalEntry entry)
    {
        string draft = _path + ".new";
        File.Delete(draft);
        var stream = OpenFile(draft, FileMode.CreateNew);
        try
        {
            stream.Write(JsonSerializer.SerializeToUtf8Bytes(entry, JournalJson.Default.JournalEntry));
            stream.WriteByte((byte)'\n');
            stream.Flush(flushToDisk: true);
            File.Move(draft, _path, overwrite: true);
        }
        catch
        {
            stream.Dispose();
            throw;
        }

        _stream.Dispose();
        _stream = stream;
    }

    public void Dispose() => _stream.Dispose();
}
