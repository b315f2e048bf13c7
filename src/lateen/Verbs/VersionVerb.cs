using System.CommandLine;
using System.Text.Json;
using Lateen.Cli.Connection;
using Lateen.Cli.Output;
using Lateen.ControlPlane;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Verbs;

/// <summary><c>lateen version</c>: this program's version and, when one answers, the control plane's.</summary>
internal static class VersionVerb
{
    /// <summary>How long a control plane has to answer. It is on this machine; a missing one must not hold up a version.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static Command Create(CliEnvironment environment)
    {
        var output = SharedOptions.Output();
        var api = SharedOptions.Api();
        var clientOnly = new Option<bool>("--client") { Description = "Only this program's version; ask no control plane" };
        var command = new ExampleCommand("version", "Show the versions of this program and of the control plane", "lateen version", "lateen version --client -o json")
        {
            clientOnly, output, api,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var server = parsed.GetValue(clientOnly) ? null : await AskAsync(environment, parsed.GetValue(api), cancellation);
            Write(environment, parsed.GetValue(output), server);
            return ExitCode.Success;
        });
        return command;
    }

    private static async Task<VersionResponse?> AskAsync(CliEnvironment environment, string? api, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            using var client = ControlPlaneClient.Connect(environment, api);
            return await client.GetAsync("api/v1/version", ApiJson.Default.VersionResponse, patience.Token);
        }
        catch (Exception e) when (e is CliException { ExitCode: ExitCode.Unreachable } || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }

    private static void Write(CliEnvironment environment, OutputFormat format, VersionResponse? server)
    {
        var build = BuildVersion.Current;
        if (format == OutputFormat.Table)
        {
            environment.Output.WriteLine($"client: {build.Version} ({build.Commit}, {build.Runtime})");
            environment.Output.WriteLine(server is null
                ? "control plane: none answers"
                : $"control plane: {server.Version} ({server.Commit}, {server.Runtime}), revision {server.Revision}, xDS at {server.XdsAddress ?? server.SecureAddress}");
            return;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("client");
            writer.WriteString("version", build.Version);
            writer.WriteString("commit", build.Commit);
            writer.WriteString("runtime", build.Runtime);
            writer.WriteEndObject();
            if (server is not null)
            {
                writer.WritePropertyName("controlPlane");
                JsonSerializer.Serialize(writer, server, ApiJson.Default.VersionResponse);
            }

            writer.WriteEndObject();
        }

        using var document = JsonDocument.Parse(buffer.ToArray());
        Report.Structured(environment, format, document.RootElement);
    }
}
