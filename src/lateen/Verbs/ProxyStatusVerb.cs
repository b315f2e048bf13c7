using System.CommandLine;
using Lateen.Cli.Connection;
using Lateen.Cli.Output;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Verbs;

/// <summary><c>lateen proxy-status</c>: who is connected and how far each proxy is, in istioctl's words.</summary>
internal static class ProxyStatusVerb
{
    private static readonly string[] Types = ["CDS", "LDS", "EDS", "RDS"];

    public static Command Create(CliEnvironment environment)
    {
        var proxy = new Argument<string?>("PROXY") { Description = "One proxy: NAME, NAME.NAMESPACE or its node id", Arity = ArgumentArity.ZeroOrOne };
        var output = SharedOptions.Output();
        var api = SharedOptions.Api();
        var command = new ExampleCommand("proxy-status", "Show the connected proxies and whether each serves the newest configuration",
            "lateen proxy-status",
            "lateen ps reviews-v1.bookshop",
            "lateen proxy-status -o json")
        {
            proxy, output, api,
        };
        command.Aliases.Add("ps");
        command.SetAction((parsed, cancellation) =>
            RunAsync(environment, parsed.GetValue(proxy), parsed.GetValue(output), parsed.GetValue(api), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        CliEnvironment environment, string? proxy, OutputFormat format, string? api, CancellationToken cancellation)
    {
        using var client = ControlPlaneClient.Connect(environment, api);
        if (proxy is not null)
        {
            var one = await client.GetAsync($"api/v1/proxies/{Uri.EscapeDataString(proxy)}", ApiJson.Default.ProxyView, cancellation);
            if (format == OutputFormat.Table) WriteOne(environment, one);
            else Report.Structured(environment, format, one, ApiJson.Default.ProxyView);
            return ExitCode.Success;
        }

        var answer = await client.GetAsync("api/v1/proxies", ApiJson.Default.ProxyListResponse, cancellation);
        if (format != OutputFormat.Table) Report.Structured(environment, format, answer, ApiJson.Default.ProxyListResponse);
        else if (answer.Items.Count == 0) environment.Error.WriteLine("No proxy is connected.");
        else WriteAll(environment, answer);
        return ExitCode.Success;
    }

    private static void WriteAll(CliEnvironment environment, ProxyListResponse answer)
    {
        var table = new Table(["NAME", "TYPE", .. Types, "REVISION", "VERSION"]);
        foreach (var item in answer.Items)
        {
            string[] states = [.. Types.Select(type => item.Types.FirstOrDefault(view => view.Type == type)?.Status ?? "NOT SENT")];
            table.Add([$"{item.Name}.{item.Namespace}", item.Type, .. states, $"{item.Revision}", item.Version]);
        }

        table.Write(environment);
        foreach (var item in answer.Items)
        {
            foreach (var type in item.Types.Where(view => view.Reason is not null))
                environment.Error.WriteLine($"{item.Name}.{item.Namespace}: {type.Type} refused: {type.Reason}");
        }
    }

    private static void WriteOne(CliEnvironment environment, ProxyView proxy)
    {
        environment.Output.WriteLine($"{proxy.Id} ({proxy.Type}), revision {proxy.Revision}");
        var table = new Table("TYPE", "STATUS", "RESOURCES", "REVISION", "REASON");
        foreach (var type in proxy.Types) table.Add(type.Type, type.Status, $"{type.Resources}", $"{type.AckedRevision}", type.Reason ?? "-");
        table.Write(environment);
    }
}
