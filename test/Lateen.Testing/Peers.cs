namespace Lateen.Testing;

/// <summary>
/// Programs that are not ours and that some tests run against. They are built on demand by the scripts under <c>test/peers</c>, outside the
/// checkout; a test whose peer is not there is skipped and says how to get it.
/// </summary>
public static class Peers
{
    /// <summary>go-control-plane's ADS server, state of the world and delta.</summary>
    public static string GoControlPlane => Path.Combine(Parts, "go-control-plane", "xds-server");

    /// <summary>Why a test with this peer does not run; null when it does.</summary>
    public static string? WhyWithoutGoControlPlane =>
        File.Exists(GoControlPlane) ? null : $"go-control-plane is not at {GoControlPlane}; build it with test/peers/go-control-plane/build.sh";

    /// <summary>The packages of the gRPC client on Node, for <c>NODE_PATH</c>.</summary>
    public static string GrpcJsModules => Path.Combine(Parts, "grpc-js", "node_modules");

    /// <summary>Why a test with the gRPC client on Node does not run; null when it does.</summary>
    public static string? WhyWithoutGrpcJs =>
        !IsOnPath("node") ? "node is not on PATH; install the Debian package nodejs"
        : !File.Exists(Path.Combine(Parts, "grpc-js", "complete")) ? $"@grpc/grpc-js-xds is not in {GrpcJsModules}; fetch it with test/peers/grpc-js/build.sh"
        : null;

    /// <summary>Debian's own Python, which is the one that Debian's packages are for.</summary>
    public static string Python => "/usr/bin/python3";

    /// <summary>Why a test with gRPC's C core under Python does not run; null when it does.</summary>
    public static string? WhyWithoutGrpcPython =>
        Directory.Exists("/usr/lib/python3/dist-packages/grpc") ? null : "Python has no grpc; install the Debian package python3-grpcio";

    private static bool IsOnPath(string program)
    {
#pragma warning disable RS0030 // A test is an executable: where programs are is said by its environment.
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));
#pragma warning restore RS0030
    }

    private static string Parts
    {
        get
        {
#pragma warning disable RS0030 // A test is an executable: where the peers are is said by its environment.
            return Environment.GetEnvironmentVariable("LATEEN_PARTS")
                ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "lateen", "parts");
#pragma warning restore RS0030
        }
    }
}
