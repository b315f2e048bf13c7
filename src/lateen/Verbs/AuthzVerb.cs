using System.CommandLine;

namespace Lateen.Cli.Verbs;

/// <summary><c>lateen authz</c>: what authorization policy says.</summary>
internal static class AuthzVerb
{
    public static Command Create(CliEnvironment environment) => new("authz", "Ask what authorization policy says") { AuthzCheckVerb.Create(environment) };
}
