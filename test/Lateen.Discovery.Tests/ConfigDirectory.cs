using Lateen.Model;

namespace Lateen.Discovery.Tests;

/// <summary>A temporary directory of configuration files.</summary>
internal sealed class ConfigDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("lateen-discovery-").FullName;

    public void Write(string path, string text)
    {
        var full = System.IO.Path.Combine(Path, path);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }

    public string Read(string path) => File.ReadAllText(System.IO.Path.Combine(Path, path));

    public void Replace(string path, string text)
    {
        Write(path + ".tmp", text);
        File.Move(System.IO.Path.Combine(Path, path + ".tmp"), System.IO.Path.Combine(Path, path), overwrite: true);
    }

    public void Delete(string path) => File.Delete(System.IO.Path.Combine(Path, path));

    public IEnumerable<string> Files() => Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories)
        .Select(file => System.IO.Path.GetRelativePath(Path, file)).Order(StringComparer.Ordinal);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Documents, and what is said of sets of them.</summary>
internal static class Doc
{
    public static string Service(string name, int port = 80) => $"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: {port}}}]}}\n";

    public static ResourceKey Key(string name) => new(ResourceKind.Service, "default", name);

    public static string Names(ConfigSet set) => string.Join(',', set.Resources.Select(resource => resource.Name));
}
