using System.Reflection;
using System.Runtime.InteropServices;

namespace Lateen.ControlPlane;

/// <summary>What this build is: its version, the commit it was built from when the build knew it, and the runtime under it.</summary>
public sealed record BuildVersion(string Version, string Commit, string Runtime)
{
    public static BuildVersion Current { get; } = Read();

    private static BuildVersion Read()
    {
        // The SDK appends "+<commit>" when it builds inside a repository.
        string text = typeof(BuildVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";
        int plus = text.IndexOf('+');
        string commit = plus < 0 ? "unknown" : text[(plus + 1)..Math.Min(text.Length, plus + 13)];
        return new BuildVersion(plus < 0 ? text : text[..plus], commit, RuntimeInformation.FrameworkDescription);
    }
}
