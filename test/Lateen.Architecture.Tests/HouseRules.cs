using System.Xml.Linq;

namespace Lateen.Architecture.Tests;

/// <summary>The rules of the house: which project may look at which, and why. ARCHITECTURE.md draws the same picture.</summary>
internal static class HouseRules
{
    /// <summary>Project -> the projects that it may reference directly. A project that is not named here has no place in the house yet.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> MayReference = new Dictionary<string, string[]>
    {
        ["Lateen.Yaml"] = [],
        ["Lateen.Model"] = ["Lateen.Yaml"],
        ["Lateen.Http"] = [],
        ["Lateen.Identity"] = [],
        ["Lateen.Xds"] = ["Lateen.Yaml"],
        ["Lateen.Net"] = [],
        ["Lateen.Telemetry"] = [],
        ["Lateen.Discovery"] = ["Lateen.Model", "Lateen.Yaml"],
        ["Lateen.Translation"] = ["Lateen.Model", "Lateen.Xds"],
        ["Lateen.Proxy"] = ["Lateen.Net", "Lateen.Http", "Lateen.Xds", "Lateen.Identity", "Lateen.Telemetry", "Lateen.Yaml"],
        ["Lateen.ControlPlane"] = ["Lateen.Model", "Lateen.Discovery", "Lateen.Translation", "Lateen.Identity", "Lateen.Xds", "Lateen.Yaml"],
        ["lateen"] = ["Lateen.ControlPlane", "Lateen.Discovery", "Lateen.Identity", "Lateen.Model", "Lateen.Yaml", "Lateen.Xds", "Lateen.Translation"],
        ["lateen-proxy"] = ["Lateen.Proxy"],
    };

    /// <summary>Third-party package -> the one project through which it enters.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> PackageOwners = new Dictionary<string, string[]>
    {
        ["YamlDotNet"] = ["Lateen.Yaml"],
        ["Google.Protobuf"] = ["Lateen.Xds"],
        ["Grpc.Core.Api"] = ["Lateen.Xds"],
        ["Grpc.Net.Client"] = ["Lateen.Xds"],
        ["Grpc.Tools"] = ["Lateen.Xds"],
        ["Grpc.AspNetCore.Server"] = ["Lateen.ControlPlane"],
        ["Microsoft.IdentityModel.JsonWebTokens"] = ["Lateen.ControlPlane"],
        ["System.CommandLine"] = ["lateen"],
        ["Spectre.Console"] = ["lateen"],
    };

    /// <summary>Projects that compute and do nothing else: no files, no sockets, no clock, no environment.</summary>
    public static readonly string[] Pure = ["Lateen.Yaml", "Lateen.Model", "Lateen.Http", "Lateen.Identity", "Lateen.Translation"];

    /// <summary>The repository's root: the nearest parent of the test's binary that holds the solution file.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every project file under src/, by project name.</summary>
    public static IReadOnlyDictionary<string, XDocument> Projects { get; } = Directory
        .EnumerateFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories)
        .ToDictionary(path => Path.GetFileNameWithoutExtension(path)!, XDocument.Load);

    /// <summary>Source files under a folder of the repository, without build output.</summary>
    public static IEnumerable<string> Sources(params string[] folders) => folders
        .Select(folder => Path.Combine(Root, folder))
        .Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
        .Where(path => !path.Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin"));

    public static IEnumerable<string> References(XDocument project, string element) => project
        .Descendants(element)
        .Select(reference => reference.Attribute("Include")!.Value)
        .Select(include => element == "ProjectReference" ? Path.GetFileNameWithoutExtension(include.Replace('\\', '/')) : include);

    public static string Relative(string path) => Path.GetRelativePath(Root, path);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Lateen.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException($"No Lateen.slnx above {AppContext.BaseDirectory}.");
    }
}
