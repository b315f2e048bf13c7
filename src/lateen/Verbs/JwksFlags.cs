using System.CommandLine;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lateen.Discovery.Jwks;

namespace Lateen.Cli.Verbs;

/// <summary>The options of <c>lateen up</c> about keys of token issuers.</summary>
internal sealed class JwksFlags
{
    private readonly Option<string[]> _networks = new("--jwks-allow-network")
    {
        Description = "A network outside the public Internet from which keys of token issuers may be fetched (RequestAuthentication). May be repeated",
        HelpName = "CIDR",
        DefaultValueFactory = static _ => [],
    };

    private readonly Option<bool> _http = new("--jwks-allow-http") { Description = "Fetch keys of token issuers over http too" };

    private readonly Option<string?> _roots = new("--jwks-roots") { Description = "Roots (PEM) trusted when fetching keys, beside the machine's", HelpName = "FILE" };

    public void AddTo(Command command)
    {
        command.Add(_networks);
        command.Add(_http);
        command.Add(_roots);
    }

    public JwksOptions Read(ParseResult parsed) => new()
    {
        AllowedNetworks = [.. (parsed.GetValue(_networks) ?? []).Select(Network)],
        AllowHttp = parsed.GetValue(_http),
        ExtraRoots = parsed.GetValue(_roots) is { } file ? Roots(file) : null,
    };

    private static IPNetwork Network(string written) => IPNetwork.TryParse(written, out var network)
        ? network
        : throw new CliException(ExitCode.Usage, $"--jwks-allow-network: '{written}' is not a network", "such as 10.0.0.0/8, with no bits set behind the prefix");

    private static X509Certificate2Collection Roots(string file)
    {
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPemFile(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new CliException(ExitCode.Refused, $"--jwks-roots: {file} cannot be read: {fault.Message}");
        }

        return roots.Count > 0 ? roots : throw new CliException(ExitCode.Refused, $"--jwks-roots: {file} holds no certificate");
    }
}
