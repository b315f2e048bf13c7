using System.CommandLine;
using System.Globalization;
using Lateen.Cli.Bootstrap;
using Lateen.Cli.Connection;
using Lateen.ControlPlane.Api;
using Lateen.Identity.Signing;

namespace Lateen.Cli.Verbs;

/// <summary>
/// <c>lateen bootstrap</c>: writes the file that a proxy is started with. It is an Envoy bootstrap, so an Envoy can be started with it too. For a gRPC
/// client without a proxy it writes what <c>GRPC_XDS_BOOTSTRAP</c> names.
/// </summary>
internal static class BootstrapVerb
{
    private const string Grpc = "grpc";

    public static Command Create(CliEnvironment environment)
    {
        var type = new Argument<string>("TYPE") { Description = "sidecar, gateway, or grpc: a gRPC client without a proxy" };
        type.AcceptOnlyFromAmong("sidecar", "gateway", Grpc);
        var name = new Argument<string>("NAME") { Description = "The workload's name, unique in its namespace" };
        var space = SharedOptions.Namespace();
        // Both go into the node id, where ~ and . stand between the parts: a proxy with another name would be refused by the control plane, and not here.
        name.Validators.Add(result =>
        {
            if (!IsName(result.GetValueOrDefault<string>())) result.AddError($"NAME is of letters, digits, '-', '_' and '.', not '{result.GetValueOrDefault<string>()}'.");
        });
        space.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && (!IsName(text) || text.Contains('.'))) result.AddError($"--namespace is of letters, digits, '-' and '_', not '{text}'.");
        });
        var label = SharedOptions.Label("A label that Sidecar and Gateway selectors match, key=value. May be repeated; app defaults to NAME");
        var account = new Option<string?>("--service-account") { Description = "The workload's identity. Default: the app label", HelpName = "NAME" };
        var xds = new Option<string>("--xds-address")
        {
            Description = "The control plane's xDS address",
            HelpName = "HOST:PORT",
            DefaultValueFactory = _ => "127.0.0.1:15010",
        };
        xds.Validators.Add(result =>
        {
            if (!IsHostAndPort(result.GetValueOrDefault<string>() ?? "")) result.AddError($"--xds-address wants host:port, not '{result.GetValueOrDefault<string>()}'.");
        });
        var identity = new Option<bool>("--identity") { Description = "Give the proxy an identity: it joins with a token, gets certificates, and speaks mutual TLS. Asks the running control plane" };
        var token = new Option<string?>("--join-token-file") { Description = "Where the join token is written, for its owner alone. Default: NAME.token", HelpName = "FILE" };
        var root = new Option<string?>("--root-file") { Description = "Where the roots of trust are written. Default: NAME.roots.pem", HelpName = "FILE" };
        var secure = new Option<string?>("--secure-address") { Description = "The control plane's port of mutual TLS. Default: what the control plane says", HelpName = "HOST:PORT" };
        secure.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !IsHostAndPort(text)) result.AddError($"--secure-address wants host:port, not '{text}'.");
        });
        var lifetime = Durations.Option("--certificate-lifetime", "How long each certificate is good. Renewed at half of it, and a bit less than that is how long the control plane may be away. Default: 48h");
        lifetime.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<TimeSpan?>() is { } asked && (asked < LeafLifetime.Min || asked > LeafLifetime.Max))
                result.AddError("--certificate-lifetime is from 1m to 90d.");
        });
        var api = SharedOptions.Api();
        var admin = new Option<ushort>("--admin-port") { Description = "Port of the proxy's admin pages on 127.0.0.1; 0: a free one", DefaultValueFactory = _ => 15000 };
        var httpProxy = new Option<ushort?>("--http-proxy-port") { Description = "Port on 127.0.0.1 for the application's HTTP_PROXY (sidecars)", HelpName = "PORT" };
        var command = new ExampleCommand(
            "bootstrap",
            "Write the bootstrap file that a proxy is started with",
            "lateen bootstrap sidecar web-1 -n shop -l app=web -l version=v1 --http-proxy-port 15002 > web-1.yaml && lateen-proxy -c web-1.yaml",
            "lateen bootstrap gateway ingress -n shop -l istio=ingressgateway > ingress.yaml",
            "lateen bootstrap sidecar web-1 -n shop -l app=web --identity > web-1.yaml",
            "lateen bootstrap grpc web-1 -n shop -l app=web > xds.json && GRPC_XDS_BOOTSTRAP=xds.json ./web")
        {
            type, name, space, label, account, xds, admin, httpProxy, identity, token, root, secure, lifetime, api,
        };
        command.Validators.Add(result =>
        {
            foreach (Option option in new Option[] { token, root, secure, lifetime, api })
            {
                if (!result.IsSet(identity) && result.GetResult(option) is { Implicit: false }) result.AddError($"{option.Name} goes with --identity.");
            }

            if (result.IsSet(identity) && result.GetResult(xds) is { Implicit: false }) result.AddError("--xds-address is the plaintext port; with --identity say --secure-address.");
            if (result.GetResult(type) is not { Tokens: [{ Value: Grpc }] }) return;
            foreach (Option option in new Option[] { account, admin, httpProxy, identity })
            {
                if (result.GetResult(option) is { Implicit: false }) result.AddError($"{option.Name} is for proxies; a gRPC client has none.");
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            var labels = SharedOptions.Labels(parsed.GetValue(label)!);
            labels.TryAdd("app", parsed.GetValue(name)!);
            var bootstrap = new ProxyBootstrap(
                parsed.GetValue(type) == "gateway" ? ProxyBootstrap.Router : ProxyBootstrap.Sidecar,
                parsed.GetValue(name)!,
                parsed.GetValue(space) ?? "default",
                parsed.GetValue(account) ?? labels["app"],
                labels,
                parsed.GetValue(xds)!,
                parsed.GetValue(admin),
                parsed.GetValue(httpProxy));
            if (parsed.GetValue(identity))
            {
                using var client = ControlPlaneClient.Connect(environment, parsed.GetValue(api));
                var (section, address) = await TokenFiles.WriteAsync(client, new TokenRequest(bootstrap.Namespace, bootstrap.ServiceAccount) { Gateway = bootstrap.IsGateway, Labels = labels },
                    parsed.GetValue(token) ?? $"{bootstrap.Name}.token", parsed.GetValue(root) ?? $"{bootstrap.Name}.roots.pem", cancellation);
                bootstrap = bootstrap with { Identity = section with { CertificateLifetime = parsed.GetValue(lifetime) ?? LeafLifetime.Asked }, XdsAddress = parsed.GetValue(secure) ?? address };
            }

            environment.Output.Write(parsed.GetValue(type) == Grpc ? bootstrap.ToGrpcJson() : bootstrap.ToYaml());
            return ExitCode.Success;
        });
        return command;
    }

    private static bool IsName(string? text) => text is { Length: > 0 } && text.All(static one => char.IsAsciiLetterOrDigit(one) || one is '-' or '_' or '.');

    private static bool IsHostAndPort(string text) =>
        text.LastIndexOf(':') >= 1 && ushort.TryParse(text[(text.LastIndexOf(':') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
