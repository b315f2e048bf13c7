namespace Lateen.Cli.Connection;

/// <summary>
/// The note that <c>lateen up</c> leaves for the other verbs: one line, the API's address, in a directory that only this user can write.
/// </summary>
internal static class RuntimeFile
{
    public static string PathIn(string runtimeDirectory) => Path.Combine(runtimeDirectory, "api");

    /// <summary>Writes the note whole or not at all.</summary>
    public static void Write(string runtimeDirectory, string address)
    {
        MakeDirectory(runtimeDirectory);
        string path = PathIn(runtimeDirectory);
        string draft = path + ".new";
        File.WriteAllText(draft, address + "\n");
        File.Move(draft, path, overwrite: true);
    }

    /// <summary>Changing the directory's mode fails when another user made it first, which is the check that matters under /tmp.</summary>
    internal static void MakeDirectory(string runtimeDirectory)
    {
        Directory.CreateDirectory(runtimeDirectory);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(runtimeDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>The address noted last, or null when no control plane of this user has noted one.</summary>
    public static string? Read(string runtimeDirectory)
    {
        try
        {
            string text = File.ReadAllText(PathIn(runtimeDirectory)).Trim();
            return text.Length > 0 ? text : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Takes the note away at shutdown, unless a newer control plane has already replaced it.</summary>
    public static void Remove(string runtimeDirectory, string address)
    {
        if (Read(runtimeDirectory) != address) return;
        try
        {
            File.Delete(PathIn(runtimeDirectory));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing is lost: a stale note gives a clear "does not answer", and the next `lateen up` replaces it.
            return;
        }
    }
}
