namespace Lateen.Testing;

/// <summary>Where the built programs are. A test project that uses one references its project with <c>ReferenceOutputAssembly="false"</c>, so that it is built first.</summary>
public static class Programs
{
    /// <summary>The repository's root: the nearest parent of the test's binary that holds the solution file.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The CLI and control plane.</summary>
    public static string Lateen => Built("src/lateen", "lateen");

    /// <summary>The data plane: what was built, or the program that LATEEN_TEST_PROXY names, such as one that was published (Native AOT).</summary>
    public static string Proxy => PublishedProxy ?? Built("src/lateen-proxy", "lateen-proxy");

    /// <summary>LATEEN_TEST_PROXY, or null.</summary>
    public static string? PublishedProxy
    {
        get
        {
#pragma warning disable RS0030 // A test is an executable: which program it tests is said by its environment.
            return Environment.GetEnvironmentVariable("LATEEN_TEST_PROXY") is { Length: > 0 } path ? path : null;
#pragma warning restore RS0030
        }
    }

    /// <summary>The demo application; with role <c>ratings</c> it is also a plain upstream that a test may kill.</summary>
    public static string Bookshop => Built("samples/bookshop", "bookshop");

    private static string Built(string folder, string name)
    {
        // bin/<Configuration>/<Framework>/ of the test is the same for the program.
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var path = Path.Combine(Root, folder, "bin", output.Parent!.Name, output.Name, name);
        return File.Exists(path) ? path : throw new FileNotFoundException($"Not built: {path}. Reference {folder} from the test project, or run ./test.sh.", path);
    }

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
