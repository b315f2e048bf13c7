using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Verbs;

/// <summary>Turns what a person gave to -f into texts with names. Files of a directory come in the order of their paths, so that diagnostics do too.</summary>
internal static class InputFiles
{
    private static readonly string[] Extensions = [".yaml", ".yml", ".json"];

    public static async Task<IReadOnlyList<SourceText>> ReadAsync(CliEnvironment environment, string[] paths, CancellationToken cancellation)
    {
        var texts = new List<SourceText>();
        foreach (string path in paths)
        {
            if (path == "-") texts.Add(new SourceText("<stdin>", await environment.Input.ReadToEndAsync(cancellation)));
            else if (Directory.Exists(path)) await ReadDirectoryAsync(path, texts, cancellation);
            else if (File.Exists(path)) texts.Add(await ReadFileAsync(path, cancellation));
            else throw new CliException(ExitCode.Refused, $"{path}: no such file or directory", "give -f an existing file, a directory, or - for standard input");
        }

        return texts;
    }

    private static async Task ReadDirectoryAsync(string directory, List<SourceText> texts, CancellationToken cancellation)
    {
        int before = texts.Count;
        var files = Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories)
            .Where(file => Extensions.Contains(Path.GetExtension(file)) && !IsHidden(Path.GetRelativePath(directory, file)))
            .Order(StringComparer.Ordinal);
        foreach (string file in files) texts.Add(await ReadFileAsync(file, cancellation));
        if (texts.Count == before)
            throw new CliException(ExitCode.Refused, $"{directory}: holds no *.yaml, *.yml or *.json file", "give -f the directory that holds the configuration");
    }

    /// <summary>Dot files and what lies under dot directories: editors' and our own state, never configuration.</summary>
    private static bool IsHidden(string relative) => relative.Split(Path.DirectorySeparatorChar).Any(part => part.StartsWith('.'));

    private static async Task<SourceText> ReadFileAsync(string path, CancellationToken cancellation)
    {
        try
        {
            return new SourceText(path, await File.ReadAllTextAsync(path, cancellation));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.Refused, $"{path}: cannot be read: {e.Message}");
        }
    }
}
