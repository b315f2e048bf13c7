using System.Text.Json;

namespace Lateen.Cli.Connection;

/// <summary>A proxy's admin endpoint, in Envoy's shape.</summary>
internal static class ProxyAdmin
{
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
