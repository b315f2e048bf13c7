using System.CommandLine;
using Lateen.Cli.Connection;
using Lateen.ControlPlane;
using Lateen.Discovery.Jwks;

namespace Lateen.Cli.Verbs;

/// <summary><c>lateen up</c>: runs a control plane on a directory until it is told to stop.</summary>
internal static class UpVerb
{
    /// <summary>In the place of an address: no such port.</summary>
    private const string NoAddress = "none";

    public static Command Create(CliEnvironment environment)
    {
        var directory = new Option<string?>("--directory", "-d") { Description = "Configuration to serve: all *.yaml, *.yml and *.json below it, reloaded when they change", HelpName = "DIR" };
        var state = new Option<string?>("--state-dir") { Description = "Where applied resources are kept. Default: DIR/.lateen, or ~/.local/state/lateen without -d", HelpName = "DIR" };
        var mesh = new Option<string?>("--mesh") { Description = "A file with the mesh's settings (Istio's MeshConfig)", HelpName = "FILE" };
        var xds = new Option<string>("--xds-address") { Description = "Where proxies without identities connect, without TLS: each is who it says. Port 0 takes a free one; none opens no such port", HelpName = "HOST:PORT|none", DefaultValueFactory = _ => "127.0.0.1:15010" };
        var secure = new Option<string?>("--secure-address") { Description = "Where proxies with identities connect, over mutual TLS. Default: 127.0.0.1:15012, or a free port of the same host where --xds-address is given", HelpName = "HOST:PORT" };
        var secrets = new Option<bool>("--secrets-over-plaintext") { Description = "Serve the content of Secrets, private keys among it, to proxies of this machine without an identity too: any local program that says it is a gateway gets them" };
        var authority = new Option<string?>("--ca-dir") { Description = "The mesh's own certificate authority, as Istio's cacerts: ca-cert.pem, ca-key.pem, cert-chain.pem, root-cert.pem. Default: one is made and kept in the state directory", HelpName = "DIR" };
        var issuer = new Option<string[]>("--token-issuer") { Description = "A JSON file that names an issuer of JWTs which prove workloads: issuer, audiences, jwks, namespaceClaim, serviceAccountClaim. May be repeated", HelpName = "FILE", DefaultValueFactory = static _ => [] };
        var api = new Option<string>("--api-address") { Description = "Where this program's other verbs connect: loopback only", HelpName = "HOST:PORT|unix:PATH", DefaultValueFactory = _ => "127.0.0.1:15014" };
        var command = new ExampleCommand("up", "Run the control plane",
            "lateen up -d ./config",
            "lateen up -d ./config --xds-address none",
            "lateen up -d ./config --xds-address 127.0.0.1:0 --api-address unix:/run/user/1000/lateen.sock")
        {
            directory, state, mesh, xds, secrets, secure, authority, issuer, api,
        };
        var jwks = new JwksFlags();
        jwks.AddTo(command);
        command.SetAction((parsed, cancellation) => RunAsync(
            environment,
            new Request(parsed.GetValue(directory), parsed.GetValue(state), parsed.GetValue(mesh), parsed.GetRequiredValue(xds), parsed.GetRequiredValue(api), jwks.Read(parsed))
            {
                SecureAddress = parsed.GetValue(secure),
                IsXdsAddressGiven = parsed.GetResult(xds) is { Implicit: false },
                SecretsOverPlaintext = parsed.GetValue(secrets),
                AuthorityDirectory = parsed.GetValue(authority),
                TokenIssuers = parsed.GetValue(issuer)!,
            },
            cancellation));
        return command;
    }

    private sealed record Request(string? Directory, string? StateDirectory, string? MeshFile, string XdsAddress, string ApiAddress, JwksOptions Jwks)
    {
        public string? SecureAddress { get; init; }

        public bool IsXdsAddressGiven { get; init; }

        public bool SecretsOverPlaintext { get; init; }

        public string? AuthorityDirectory { get; init; }

        public IReadOnlyList<string> TokenIssuers { get; init; } = [];

        /// <summary>Whoever moves the one port moves the other: two control planes of one machine then do not meet at 15012.</summary>
        public string SecureAddressOr(ApiAddress.Tcp? xds) => SecureAddress ?? (IsXdsAddressGiven && xds is not null ? new ApiAddress.Tcp(xds.Host, 0).ToString() : "127.0.0.1:15012");
    }

    private static async Task<int> RunAsync(CliEnvironment environment, Request request, CancellationToken cancellation)
    {
        if (request.Directory is not null && !Directory.Exists(request.Directory))
            throw new CliException(ExitCode.Refused, $"{request.Directory}: no such directory", "create it, or give -d the directory that holds the configuration");
        if (request.MeshFile is not null && !File.Exists(request.MeshFile)) throw new CliException(ExitCode.Refused, $"{request.MeshFile}: no such file");

        var api = ApiAddress.Parse(request.ApiAddress, "--api-address");
        if (!api.IsLocal)
        {
            throw new CliException(ExitCode.Usage, $"--api-address: {api} is reachable from other machines, and the API trusts whoever reaches it",
                "give a loopback address such as 127.0.0.1:15014, or unix:/path");
        }

        ApiAddress.Tcp? xds = null;
        if (request.XdsAddress != NoAddress)
        {
            xds = ApiAddress.Parse(request.XdsAddress, "--xds-address") as ApiAddress.Tcp
                ?? throw new CliException(ExitCode.Usage, "--xds-address: proxies connect over TCP; write host:port, or none");
        }

        if (ApiAddress.Parse(request.SecureAddressOr(xds), "--secure-address") is not ApiAddress.Tcp secure)
            throw new CliException(ExitCode.Usage, "--secure-address: proxies connect over TCP; write host:port");

        using var key = new ApiKeyHolder(environment.RuntimeDirectory);
        await using var plane = await StartAsync(environment, request, api, xds, secure, key, cancellation);
        string address = plane.ApiAddress;
        RuntimeFile.Write(environment.RuntimeDirectory, address);
        environment.Output.WriteLine($"xds {plane.XdsAddress ?? NoAddress}");
        environment.Output.WriteLine($"secure {plane.SecureAddress}");
        environment.Output.WriteLine($"api {address}");
        environment.Output.WriteLine($"ready revision {plane.Revision}");
        await environment.Output.FlushAsync(cancellation);
        try
        {
            await Task.Delay(Timeout.Infinite, cancellation);
        }
        catch (OperationCanceledException)
        {
            environment.Error.WriteLine("stopping: proxies go on with what they have");
        }
        finally
        {
            RuntimeFile.Remove(environment.RuntimeDirectory, address);
        }

        return ExitCode.Success;
    }

    private static async Task<ControlPlaneHost> StartAsync(
        CliEnvironment environment, Request request, ApiAddress api, ApiAddress.Tcp? xds, ApiAddress.Tcp secure, ApiKeyHolder key, CancellationToken cancellation)
    {
        var options = new ControlPlaneOptions
        {
            Directory = request.Directory,
            StateDirectory = request.StateDirectory ?? (request.Directory is { } directory ? Path.Combine(directory, ".lateen") : environment.StateDirectory),
            MeshFile = request.MeshFile,
            Jwks = request.Jwks,
            XdsHost = xds?.Host ?? "127.0.0.1",
            XdsPort = xds?.Port,
            SecretsOverPlaintext = request.SecretsOverPlaintext,
            SecureHost = secure.Host,
            SecurePort = secure.Port,
            AuthorityDirectory = request.AuthorityDirectory,
            TokenIssuers = [.. request.TokenIssuers.Select(TokenIssuerFile.Read)],
            ApiHost = (api as ApiAddress.Tcp)?.Host ?? "127.0.0.1",
            ApiPort = (api as ApiAddress.Tcp)?.Port ?? 0,
            ApiSocketPath = (api as ApiAddress.UnixSocket)?.Path,
            PublishApiKey = key.Publish,
            Log = environment.Error.WriteLine,
        };
        try
        {
            return await ControlPlaneHost.StartAsync(options, cancellation);
        }
        catch (IOException e)
        {
            throw new CliException(ExitCode.Refused, $"the control plane cannot start: {e.Message}",
                "another one may be running: `lateen version` asks it; or choose free ports with --xds-address 127.0.0.1:0 --api-address 127.0.0.1:0");
        }
    }
    /// <summary>The key of this run's API: out while it runs, and gone with it.</summary>
    private sealed class ApiKeyHolder(string runtimeDirectory) : IDisposable
    {
        private ApiAddress? _address;
        private string _key = "";

        public string Publish(string address)
        {
            _address = ApiAddress.Parse(address, "the API");
            return _key = ApiKeyFile.Make(runtimeDirectory, _address);
        }

        public void Dispose()
        {
            if (_address is not null) ApiKeyFile.Remove(runtimeDirectory, _address, _key);
        }
    }
}
