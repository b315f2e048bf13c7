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
