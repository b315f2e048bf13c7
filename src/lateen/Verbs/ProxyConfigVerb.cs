using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using Lateen.Cli.Connection;
using Lateen.Cli.Output;
using Lateen.Cli.ProxyDumps;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Verbs;

/// <summary>
/// <c>lateen proxy-config</c>: what a proxy was given (asked of the control plane) or runs (asked of its admin address, --admin).
/// </summary>
internal static class ProxyConfigVerb
{
    public static Command Create(CliEnvironment environment)
    {
        var command = new ExampleCommand("proxy-config", "Show a proxy's listeners, routes, clusters, endpoints, secrets or bootstrap",
            "lateen proxy-config routes storefront.bookshop --fqdn reviews",
            "lateen pc clusters storefront.bookshop --port 9080 -o yaml",
            "lateen pc bootstrap storefront.bookshop");
        command.Aliases.Add("pc");
        command.Add(Section(environment, DumpSection.Listeners, "listener", "Where the proxy listens and what happens there"));
        command.Add(Section(environment, DumpSection.Routes, "route", "Virtual hosts and their routes"));
        command.Add(Section(environment, DumpSection.Clusters, "cluster", "Upstream clusters"));
        command.Add(Section(environment, DumpSection.Endpoints, "endpoint", "The endpoints of the clusters"));
        command.Add(Section(environment, DumpSection.Secrets, "secret", "Certificates and roots, and how long they last; keys are shown to nobody"));
        command.Add(Bootstrap(environment));
        return command;
    }

    private static ExampleCommand Section(CliEnvironment environment, DumpSection section, string singular, string description)
    {
        var proxy = Proxy();
        var port = new Option<int?>("--port") { Description = "Only this port", HelpName = "PORT" };
        var fqdn = new Option<string?>("--fqdn") { Description = "Only this host, or hosts that begin with it and a dot", HelpName = "HOST" };
        var name = new Option<string?>("--name") { Description = "Only the resource of this name", HelpName = "NAME" };
        var admin = Admin();
        var output = SharedOptions.Output();
        var api = SharedOptions.Api();
        var command = new ExampleCommand(section.Verb, description, $"lateen proxy-config {section.Verb} storefront.bookshop", $"lateen pc {section.Verb} storefront -o json")
        {
            proxy, port, fqdn, name, admin, output, api,
        };
        command.Aliases.Add(singular);
        command.Validators.Add(result => WantOne(result, proxy, admin));
        command.SetAction(async (parsed, cancellation) =>
        {
            var dump = await DumpAsync(environment, parsed.GetValue(proxy), parsed.GetValue(admin), parsed.GetValue(api), cancellation);
            var filter = new DumpFilter(parsed.GetValue(port), parsed.GetValue(fqdn), parsed.GetValue(name));
            var resources = dump.Resources(section.DumpType, section.Member).Where(resource => section.Admits(resource, filter)).ToList();
            if (parsed.GetValue(output) is var format && format == OutputFormat.Table) section.Tabulate(resources, filter, dump).Write(environment);
            else Report.Structured(environment, format, JsonSerializer.SerializeToElement(resources, JsonElementList.Default.ListJsonElement));
            return ExitCode.Success;
        });
        return command;
    }

    private static ExampleCommand Bootstrap(CliEnvironment environment)
    {
        var proxy = Proxy();
        var admin = Admin();
        var output = SharedOptions.Output();
        var api = SharedOptions.Api();
        var command = new ExampleCommand("bootstrap", "The file that the proxy was started with; asked of the proxy itself, where it says its admin pages are",
            "lateen proxy-config bootstrap storefront.bookshop",
            "lateen pc bootstrap --admin 127.0.0.1:15000 -o json")
        {
            proxy, admin, output, api,
        };
        command.Validators.Add(result => WantOne(result, proxy, admin));
        command.SetAction(async (parsed, cancellation) =>
        {
            var dump = parsed.GetValue(admin) is { } address ? await ProxyAdmin.ConfigDumpAsync(address, cancellation)
                : await ProxyAdmin.ConfigDumpAsync(await FindAsync(environment, parsed.GetValue(proxy)!, parsed.GetValue(api), cancellation), cancellation);
            var bootstrap = ProxyAdmin.Bootstrap(dump)
                ?? throw new CliException(ExitCode.Refused, "the proxy's dump holds no bootstrap");
            var format = parsed.GetValue(output) == OutputFormat.Json ? OutputFormat.Json : OutputFormat.Yaml;
            Report.Structured(environment, format, bootstrap);
            return ExitCode.Success;
        });
        return command;
    }

    private static Argument<string?> Proxy() => new("PROXY") { Description = "NAME, NAME.NAMESPACE or a node id", Arity = ArgumentArity.ZeroOrOne };

    private static void WantOne(CommandResult result, Argument proxy, Option admin)
    {
        // What was given, not its value: an option without its argument has none, and asking for it throws. It is complained about anyway.
        if (result.GetResult(proxy) is { Tokens.Count: > 0 } == result.GetResult(admin) is not null)
            result.AddError("name a proxy, or give its admin address with --admin: one of the two");
    }

    private static async Task<ProxyView> FindAsync(CliEnvironment environment, string proxy, string? api, CancellationToken cancellation)
    {
        using var client = ControlPlaneClient.Connect(environment, api);
        return await client.GetAsync($"api/v1/proxies/{Uri.EscapeDataString(proxy)}", ApiJson.Default.ProxyView, cancellation);
    }

    private static Option<string?> Admin() => new("--admin")
    {
        Description = "The proxy's admin address: shows what the proxy itself runs, not what the control plane gave it",
        HelpName = "ADDRESS",
    };

    private static async Task<JsonElement> DumpAsync(
        CliEnvironment environment, string? proxy, string? admin, string? api, CancellationToken cancellation)
    {
        if (admin is not null) return await ProxyAdmin.ConfigDumpAsync(admin, cancellation);
        using var client = ControlPlaneClient.Connect(environment, api);
        return await client.GetAsync($"debug/config_dump?proxyID={Uri.EscapeDataString(proxy!)}", ApiJson.Default.JsonElement, cancellation);
    }
}
