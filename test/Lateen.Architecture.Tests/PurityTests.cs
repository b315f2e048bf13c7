using System.Text.RegularExpressions;

namespace Lateen.Architecture.Tests;

public sealed partial class PurityTests
{
    [Fact]
    public void Pure_projects_do_no_io_and_read_no_clock()
    {
        var broken = from project in HouseRules.Pure
                     from path in HouseRules.Sources($"src/{project}")
                     from line in File.ReadLines(path).Select((text, index) => (text, number: index + 1))
                     where Effects().IsMatch(line.text) && !line.text.TrimStart().StartsWith("//", StringComparison.Ordinal)
                     select $"{HouseRules.Relative(path)}:{line.number}: {line.text.Trim()}";

        Assert.True(!broken.Any(), "These projects are functions of their input: that is what makes them testable by table, memoisable and safe to "
            + "call from any thread. Move the effect to the caller:\n" + string.Join('\n', broken));
    }

    [Fact]
    public void Unsafe_code_and_native_calls_live_in_the_reactor_project_only()
    {
        var broken = from path in HouseRules.Sources("src")
                     where !HouseRules.Relative(path).StartsWith("src/Lateen.Net/", StringComparison.Ordinal)
                     from line in File.ReadLines(path).Select((text, index) => (text, number: index + 1))
                     where Native().IsMatch(line.text) && !line.text.TrimStart().StartsWith("//", StringComparison.Ordinal)
                     select $"{HouseRules.Relative(path)}:{line.number}: {line.text.Trim()}";

        Assert.True(!broken.Any(), "The proxy parses hostile bytes: memory safety ends only where the kernel begins, in Lateen.Net:\n" + string.Join('\n', broken));
    }

    [Fact]
    public void Only_executables_read_the_environment_and_write_to_the_console()
    {
        var broken = from path in HouseRules.Sources("src")
                     where HouseRules.Relative(path).StartsWith("src/Lateen.", StringComparison.Ordinal)
                     from line in File.ReadLines(path).Select((text, index) => (text, number: index + 1))
                     where Process().IsMatch(line.text) && !line.text.TrimStart().StartsWith("//", StringComparison.Ordinal)
                     select $"{HouseRules.Relative(path)}:{line.number}: {line.text.Trim()}";

        Assert.True(!broken.Any(), "A library that reads the environment has a setting that no caller can see:\n" + string.Join('\n', broken));
    }

    [Fact]
    public void The_data_plane_does_without_descriptors_of_protobuf()
    {
        var broken = from path in HouseRules.Sources("src/Lateen.Proxy", "src/Lateen.Xds", "src/lateen-proxy")
                     from line in File.ReadLines(path).Select((text, index) => (text, number: index + 1))
                     where Descriptors().IsMatch(line.text) && !line.text.TrimStart().StartsWith("//", StringComparison.Ordinal)
                     select $"{HouseRules.Relative(path)}:{line.number}: {line.text.Trim()}";

        Assert.True(!broken.Any(), "One descriptor brings those of every message, with reflection: 3.5 MB of each proxy. ProtoSchema knows the same (docs/adr/0036):\n"
            + string.Join('\n', broken));
    }

    [GeneratedRegex(@"\.Descriptor\b|Google\.Protobuf\.Reflection|\bJson(Formatter|Parser)\b|\.Unpack<|\bAny\.Pack\(|\.TryUnpack<")]
    private static partial Regex Descriptors();

    [GeneratedRegex(@"(?<![.\w])(File|Directory|FileStream|FileSystemWatcher)\.|new (FileStream|Socket|TcpClient|TcpListener|UdpClient|HttpClient)\b|TimeProvider\.System|Stopwatch\.|Random\.Shared|Environment\.(Get|TickCount|MachineName)")]
    private static partial Regex Effects();

    [GeneratedRegex(@"\bunsafe\b|\[(LibraryImport|DllImport)|NativeMemory\.|MemoryMarshal\.GetReference|\bUnsafe\.(Add|As|Read|Write)")]
    private static partial Regex Native();

    [GeneratedRegex(@"Environment\.(GetEnvironmentVariable|GetEnvironmentVariables|Exit)\b|\bConsole\.(Write|Error|Out|Read|In)")]
    private static partial Regex Process();
}
