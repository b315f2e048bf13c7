using System.Globalization;
using System.Text.Json;

namespace Lateen.Bench.Footprint;

/// <summary>`lateen up` on a directory of its own with one sidecar connected, everything on ports that were free.</summary>
internal sealed class RunningMesh : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-footprint-").FullName;
    private readonly RunningProgram _controlPlane;
    private readonly string _lateen;
    private readonly int _apiPort;
    private readonly int _adminPort;

    /// <summary>Returns when the sidecar has its first configuration.</summary>
    /// <param name="hasIdentity">The sidecar joins by token, has a certificate, and comes to the control plane over mutual TLS.</param>
    internal RunningMesh(FootprintOptions options, int services, int endpointPort, bool hasIdentity = false)
    {
        _lateen = options.Lateen;
        string config = Directory.CreateDirectory(Path.Combine(_folder, "config")).FullName;
        string bootstrap = Path.Combine(_folder, "sidecar.yaml");
        MeshFiles.Write(config, services, endpointPort);
        _controlPlane = RunningProgram.Start(
            options.Lateen, ["up", "-d", config, "--state-dir", Path.Combine(_folder, "state"), "--xds-address", "127.0.0.1:0", "--api-address", "127.0.0.1:0"], _folder);
        try
        {
            string xds = _controlPlane.WaitForLine("xds ", Patience);
            string api = _controlPlane.WaitForLine("api ", Patience);
            _controlPlane.WaitForLine("ready revision ", Patience);
            _apiPort = int.Parse(api[(api.LastIndexOf(':') + 1)..].TrimEnd('/'), CultureInfo.InvariantCulture);
            Port = RunningProgram.FreePort();
            _adminPort = RunningProgram.FreePort();
            File.WriteAllText(bootstrap, hasIdentity ? Identified(options) : Bootstraps.Sidecar(xds, _adminPort, Port));
            Proxy = RunningProgram.Start(options.Proxy, ["-c", bootstrap, "--concurrency", "1", "--log-level", "warning"]);
            Proxy.WaitUntil("the sidecar's readiness", () => Http.Answers(_adminPort, "/ready"), Patience);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The forward proxy's port.</summary>
    internal int Port { get; }

    internal RunningProgram Proxy { get; } = null!;

    internal RunningProgram ControlPlane => _controlPlane;

    private string Identified(FootprintOptions options) => RunningProgram.OutputOf(
        options.Lateen,
        [
            "bootstrap", "sidecar", "bench-1", "-n", "bench", "-l", "app=bench", "--identity", "--api", $"127.0.0.1:{_apiPort}",
            "--admin-port", $"{_adminPort}", "--http-proxy-port", $"{Port}",
            "--join-token-file", Path.Combine(_folder, "token"), "--root-file", Path.Combine(_folder, "roots.pem"),
        ],
        _folder);

    internal KeepAliveConnection OpenApi() => KeepAliveConnection.Open(_apiPort);

    /// <summary>Starts `lateen apply --wait` on a file with this text. Throws, in the task, when the command does not end well.</summary>
    internal Task ApplyByCommand(string yaml)
    {
        string file = Path.Combine(_folder, "change.yaml");
        File.WriteAllText(file, yaml);
        return Task.Run(() => RunningProgram.OutputOf(_lateen, ["apply", "--wait", "-f", file, "--api", $"127.0.0.1:{_apiPort}"], _folder));
    }

    internal static byte[] ApplyBody(string yaml)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("files");
            writer.WriteStartObject();
            writer.WriteString("path", "-");
            writer.WriteString("text", yaml);
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Responses by type that the control plane has sent, and updates by type that the proxy has taken, by their own counters.</summary>
    internal (SortedDictionary<string, long> Pushes, SortedDictionary<string, long> Updates) Counters()
    {
        var pushes = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (string line in Http.Lines(_apiPort, "/metrics").Where(line => line.StartsWith("pilot_xds_pushes{type=\"", StringComparison.Ordinal)))
        {
            string type = line.Split('"')[1];
            pushes[type] = long.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
        }

        var updates = new SortedDictionary<string, long>(StringComparer.Ordinal);
        string[] counters = ["cluster_manager.cds.update_success", "cluster_manager.cluster_updated", "listener_manager.lds.update_success"];
        foreach (string line in Http.Lines(_adminPort, "/stats"))
        {
            int colon = line.IndexOf(": ", StringComparison.Ordinal);
            if (colon > 0 && counters.Contains(line[..colon])) updates[line[..colon]] = long.Parse(line[(colon + 2)..], CultureInfo.InvariantCulture);
        }

        return (pushes, updates);
    }

    public void Dispose()
    {
        Proxy?.Dispose();
        _controlPlane.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>Questions that take a connection of their own.</summary>
internal static class Http
{
    internal static bool Answers(int port, string path, string host = "localhost")
    {
        try
        {
            using var connection = KeepAliveConnection.TryOpen(port);
            return connection?.Get(path, host).Status == 200;
        }
        catch (IOException)
        {
            return false;
        }
    }

    internal static string[] Lines(int port, string path)
    {
        using var connection = KeepAliveConnection.Open(port);
        return System.Text.Encoding.UTF8.GetString(connection.Get(path, "localhost").Body).Split('\n');
    }
}
