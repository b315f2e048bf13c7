using System.Net;
using System.Text.Json;
using Lateen.Cli.ProxyDumps;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Connection;

/// <summary>A proxy's admin endpoint, in Envoy's shape.</summary>
internal static class ProxyAdmin
{
    /// <summary>
    /// The dump of the proxy that the control plane knows by this name, from where the proxy says that its admin pages are. Only loopback is asked:
    /// what a proxy says of itself must not send anybody's requests elsewhere.
    /// </summary>
    /// <exception cref="CliException">It says no address or one of another machine, or somebody else answers there.</exception>
    public static async Task<JsonElement> ConfigDumpAsync(ProxyView proxy, CancellationToken cancellation)
    {
        string name = $"{proxy.Name}.{proxy.Namespace}";
        if (proxy.AdminAddress is not { } address)
        {
            throw new CliException(ExitCode.Refused, $"{name} does not say where its admin pages are",
                "say it with --admin; the address stands under `admin` in the proxy's bootstrap file and in its log");
        }

        if (!IPEndPoint.TryParse(address, out var parsed) || !IPAddress.IsLoopback(parsed.Address))
        {
            throw new CliException(ExitCode.Refused, $"{name} says that its admin pages are at '{address}', which is not on loopback",
                "if you trust that address, ask it with --admin");
        }

        var dump = await ConfigDumpAsync(address, cancellation);
        string? id = Bootstrap(dump)?.At("node")?.At("id")?.GetString();
        return id == proxy.Id ? dump : throw new CliException(ExitCode.Refused, $"the admin pages at {address} are those of '{id ?? "nobody"}' and not of {proxy.Id}",
            "does the proxy run on another machine? Ask there, with --admin");
    }

    /// <summary>The bootstrap in a dump; null when there is none.</summary>
    public static JsonElement? Bootstrap(JsonElement dump) => dump.ItemsAt("configs").Select(section => section.At("bootstrap")).FirstOrDefault(found => found is not null);

    public static async Task<JsonElement> ConfigDumpAsync(string address, CancellationToken cancellation)
    {
        var parsed = ApiAddress.Parse(address, "--admin");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = parsed.BaseUri };
        try
        {
            using var stream = await http.GetStreamAsync("config_dump?include_eds", cancellation);
            using var document = await JsonDocument.ParseAsync(stream, cancellationToken: cancellation);
            return document.RootElement.Clone();
        }
        catch (Exception e) when (e is HttpRequestException or JsonException)
        {
            throw new CliException(ExitCode.Unreachable, $"no proxy admin answers at {address}: {e.Message}",
                "the address stands under `admin` in the proxy's bootstrap file; it is bound to loopback");
        }
    }
}
