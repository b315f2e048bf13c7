using System.CommandLine;
using System.Text.Json;
using Lateen.Cli.Connection;
using Lateen.Cli.Output;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Verbs;

/// <summary><c>lateen get</c>: the resources that the control plane holds.</summary>
internal static class GetVerb
{
    public static Command Create(CliEnvironment environment)
    {
        var kind = new Argument<string>("KIND") { HelpName = "KIND", Description = "A kind or its short name (vs, dr, gw, se, we, svc, ep, sidecar), or all" };
        kind.CompletionSources.Add(KindNames.ForCompletion());
        var name = new Argument<string?>("NAME") { Description = "One resource", Arity = ArgumentArity.ZeroOrOne };
        var ns = SharedOptions.Namespace();
        var all = new Option<bool>("--all-namespaces", "-A") { Description = "All namespaces" };
        var output = SharedOptions.Output();
        var api = SharedOptions.Api();
        var command = new ExampleCommand("get", "Show resources",
            "lateen get virtualservices",
            "lateen get vs reviews -n bookshop -o yaml",
            "lateen get all -A -o json")
        {
            kind, name, ns, all, output, api,
        };
        command.SetAction((parsed, cancellation) => RunAsync(
            environment, parsed.GetRequiredValue(kind), parsed.GetValue(name),
            parsed.GetValue(all) ? null : parsed.GetValue(ns) ?? "default", parsed.GetValue(output), parsed.GetValue(api), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        CliEnvironment environment, string kind, string? name, string? ns, OutputFormat format, string? api, CancellationToken cancellation)
    {
        using var client = ControlPlaneClient.Connect(environment, api);
        string query = $"kind={Uri.EscapeDataString(kind)}"
            + (ns is null ? "" : $"&namespace={Uri.EscapeDataString(ns)}")
            + (name is null ? "" : $"&name={Uri.EscapeDataString(name)}");
        var answer = await client.GetAsync($"api/v1/resources?{query}", ApiJson.Default.ResourceListResponse, cancellation);
        if (name is not null && answer.Items.Count == 0)
        {
            throw new CliException(ExitCode.Refused, $"no {kind} named {name}{(ns is null ? "" : $" in namespace {ns}")}",
                $"`lateen get {kind} -A` lists them all");
        }

        if (format != OutputFormat.Table) WriteStructured(environment, format, answer, single: name is not null && answer.Items.Count == 1);
        else if (answer.Items.Count == 0) environment.Error.WriteLine($"No resources found{(ns is null ? "." : $" in namespace {ns}.")}");
        else WriteTable(environment, answer, withKind: answer.Items.Select(item => item.Kind).Distinct().Count() > 1, withNamespace: ns is null);
        return ExitCode.Success;
    }

    /// <summary>One resource stands alone; several are a core v1 List, which apply takes back as it is.</summary>
    private static void WriteStructured(CliEnvironment environment, OutputFormat format, ResourceListResponse answer, bool single)
    {
        if (single)
        {
            Report.Structured(environment, format, answer.Items[0].Resource);
            return;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("apiVersion", "v1");
            writer.WriteString("kind", "List");
            writer.WriteStartArray("items");
            foreach (var item in answer.Items) item.Resource.WriteTo(writer);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        using var document = JsonDocument.Parse(buffer.ToArray());
        Report.Structured(environment, format, document.RootElement);
    }

    private static void WriteTable(CliEnvironment environment, ResourceListResponse answer, bool withKind, bool withNamespace)
    {
        string[] Cells(string ns, string kind, params string[] rest) =>
            [.. withNamespace ? [ns] : Array.Empty<string>(), .. withKind ? [kind] : Array.Empty<string>(), .. rest];

        var table = new Table(Cells("NAMESPACE", "KIND", "NAME", "HOSTS", "REVISION", "SOURCE"));
        foreach (var item in answer.Items)
        {
            table.Add(Cells(item.Namespace, item.Kind, item.Name, ResourceSummary.Hosts(item.Resource), $"{item.Revision}", item.Source));
        }

        table.Write(environment);
    }
}
