using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Lateen.Cli.Connection;

/// <summary>
/// The key of one run of <c>lateen up</c>, without which the certificate authority is not changed: a file beside the note of the API's address, for this user
/// alone. One for each address, so that a key is never shown to another program than the one that it is of; what listens there after a kill gets a key that
/// opens nothing any more.
/// </summary>
internal static class ApiKeyFile
{
    private const int SecretOctets = 32;

    /// <summary>The longest file that is read. Octets: a key has 43.</summary>
    private const int MaxLength = 256;

    public static string PathIn(string runtimeDirectory, ApiAddress address)
    {
        string name = address is ApiAddress.Tcp { Host: "localhost" } tcp ? (tcp with { Host = "127.0.0.1" }).ToString() : address.ToString();
        return Path.Combine(runtimeDirectory, $"api-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 8))}.key");
    }

    /// <summary>Makes a key and writes it whole or not at all.</summary>
    /// <exception cref="IOException">The directory is another user's, or cannot be written.</exception>
    public static string Make(string runtimeDirectory, ApiAddress address)
    {
        string key = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretOctets));
        string path = PathIn(runtimeDirectory, address);
        try
        {
            RuntimeFile.MakeDirectory(runtimeDirectory);
            string draft = path + ".new";
            File.Delete(draft);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var stream = new FileStream(draft, options)) stream.Write(Encoding.ASCII.GetBytes(key));
            File.Move(draft, path, overwrite: true);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"the key of the API cannot be kept in {runtimeDirectory}: {e.Message}", e);
        }

        return key;
    }

    /// <summary>The key of the control plane that listens there; null when this user runs none.</summary>
    public static string? Read(string runtimeDirectory, ApiAddress address)
    {
        try
        {
            string path = PathIn(runtimeDirectory, address);
            return new FileInfo(path) is { Exists: true, Length: <= MaxLength } ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Takes a key away at shutdown, unless a newer control plane has put its own there.</summary>
    public static void Remove(string runtimeDirectory, ApiAddress address, string key)
    {
        if (Read(runtimeDirectory, address) != key) return;
        try
        {
            File.Delete(PathIn(runtimeDirectory, address));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It opens nothing any more, and the next one at this address replaces it.
            return;
        }
    }
}
