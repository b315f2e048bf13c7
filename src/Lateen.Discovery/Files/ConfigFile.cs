using System.Collections.Immutable;
using System.Text;
using Lateen.Model;

namespace Lateen.Discovery.Files;

/// <summary>
/// One file as last read, and what it stands for: its good resources, and for those that are refused now their last good version. Immutable.
/// </summary>
/// <remarks>
/// A document that can be identified keeps its own last good version. One that cannot (a syntax error) might be any of those that the file
/// held before and does not name now, so all of these stay until the file can be read again.
/// </remarks>
internal sealed record ConfigFile
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public required string Path { get; init; }

    public FileStamp Stamp { get; init; }

    public string Text { get; init; } = "";

    /// <summary>What the file stands for, in its order; kept ones last.</summary>
    public ImmutableArray<Resource> Resources { get; init; } = [];

    public ImmutableArray<Diagnostic> Diagnostics { get; init; } = [];

    /// <summary>Reads a file anew.</summary>
    /// <param name="previous">The file as read before; null the first time.</param>
    /// <returns>Null when the file is no longer there; <paramref name="previous"/> when its text is the same.</returns>
    public static ConfigFile? Read(string root, string path, FileStamp stamp, ConfigFile? previous, DirectoryConfigOptions options)
    {
        if (stamp.Length > options.MaxFileBytes)
            return Unreadable(DiagnosticCodes.FileTooLarge, $"the file has {stamp.Length} octets", $"at most {options.MaxFileBytes}; split it");
        string text;
        try
        {
            using var stream = new FileStream(
                System.IO.Path.Combine(root, path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream, StrictUtf8);
            text = reader.ReadToEnd();
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (DecoderFallbackException)
        {
            return Unreadable(DiagnosticCodes.FileUnreadable, "the file is not UTF-8", "save it as UTF-8");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return Unreadable(DiagnosticCodes.FileUnreadable, $"the file cannot be read: {fault.Message}", "check its permissions");
        }

        if (previous is not null && previous.Text == text && previous.Diagnostics.All(found => found.Code != DiagnosticCodes.FileUnreadable.Code))
            return previous with { Stamp = stamp };
        return Of(path, stamp, text, previous, options);

        ConfigFile Unreadable(DiagnosticCode code, string message, string hint) => new()
        {
            Path = path,
            Stamp = stamp,
            Resources = previous?.Resources ?? [],
            Diagnostics = [new Diagnostic(code.Code, code.Severity, null, "", message, hint, new SourceLocation(path, 0, 0))],
        };
    }

    private static ConfigFile Of(string path, FileStamp stamp, string text, ConfigFile? previous, DirectoryConfigOptions options)
    {
        var read = ResourceReader.Read(text, path, options.Reading);
        var before = new Dictionary<ResourceKey, Resource>();
        foreach (var resource in previous?.Resources ?? []) before[resource.Key] = resource;
        var resources = new Dictionary<ResourceKey, Resource>();
        var hasUnidentified = false;
        foreach (var document in read.Documents)
        {
            if (document.Key is not { } key)
            {
                hasUnidentified |= document.Diagnostics.Any(found => found.IsError);
                continue;
            }

            if (document.Resource is { } good)
            {
                // The same document in the same place is the same object, so that whoever builds on it sees that nothing changed.
                var isSame = before.TryGetValue(key, out var old) && old.Text == good.Text && old.ApiVersion == good.ApiVersion
                    && old.Metadata.Location == good.Metadata.Location;
                resources[key] = isSame ? old! : good;
            }
            else if (before.TryGetValue(key, out var lastGood))
            {
                resources.TryAdd(key, lastGood);
            }
        }

        if (hasUnidentified)
            foreach (var (key, lastGood) in before) resources.TryAdd(key, lastGood);
        return new ConfigFile
        {
            Path = path,
            Stamp = stamp,
            Text = text,
            Resources = [.. resources.Values],
            Diagnostics = [.. read.Diagnostics],
        };
    }
}
