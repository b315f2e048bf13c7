namespace Lateen.ControlPlane.Certificates;

/// <summary>Files with keys: written whole or not at all, for their owner alone, and not read when others may read them too.</summary>
internal static class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OthersRights = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Replaces the file. Durable when it returns; a kill before leaves the old one, whole.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        string draft = path + ".new";
        File.Delete(draft);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        using (var stream = new FileStream(draft, options))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
    }

    /// <summary>The content; null when there is no such file.</summary>
    /// <param name="maxLength">Octets. A longer file is refused.</param>
    /// <exception cref="IOException">Others than the owner have rights on it, or it is too long.</exception>
    public static byte[]? Read(string path, int maxLength)
    {
        if (!File.Exists(path)) return null;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        // Asked of the open file: a path may mean another a moment later.
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(stream.SafeFileHandle) & OthersRights) != 0)
            throw new IOException($"{path} holds a key, and others than its owner may use it; run chmod 600 on it, and think of the key as known");
        if (stream.Length > maxLength) throw new IOException($"{path} has {stream.Length} octets; {maxLength} is the most");
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    /// <summary>Makes a directory that only its owner may look into.</summary>
    public static void CreateDirectory(string path)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
    }
}
