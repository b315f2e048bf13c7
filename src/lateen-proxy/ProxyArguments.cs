using System.Globalization;
using Lateen.Proxy.Logging;

namespace Lateen.ProxyHost;

/// <summary>What the command line asks for.</summary>
internal enum ProxyMode
{
    Serve,
    Validate,
    Help,
    Version,
}

/// <summary>The command line, by Envoy's names.</summary>
internal sealed record ProxyArguments
{
    public const string Version = "0.1.0";

    public const string HelpText = """
        lateen-proxy: the data plane of the Lateen service mesh.

        Usage: lateen-proxy -c FILE [options]

          -c, --config-path FILE          Envoy v3 bootstrap, YAML or JSON. Required.
              --mode serve|validate       validate checks the file and ends. Default serve.
              --concurrency N             Worker threads. Default: the number of CPUs.
              --service-node ID           Replaces node.id of the file.
              --service-cluster NAME      Replaces node.cluster of the file.
              --admin-address-path FILE   Gets the bound address of the admin pages.
          -l, --log-level LEVEL           trace, debug, info, warning, error, critical or off. Default info.
              --component-log-level LIST  Such as upstream:debug,config:trace.
              --drain-time-s N            How long connections may take to end on SIGTERM. Default 5.
              --version
          -h, --help

        Examples:
          lateen-proxy -c envoy.yaml
          lateen-proxy -c envoy.yaml --mode validate
          lateen-proxy -c bootstrap.json --concurrency 2 --admin-address-path /run/admin.txt

        SIGTERM and SIGINT end it after the drain; a second one ends it at once.
        Exit codes: 0 well, 1 the configuration or the start failed, 2 the command line is wrong.

        """;

    public ProxyMode Mode { get; init; }

    public string ConfigPath { get; init; } = string.Empty;

    public int Concurrency { get; init; } = Environment.ProcessorCount;

    public string? ServiceNode { get; init; }

    public string? ServiceCluster { get; init; }

    public string? AdminAddressPath { get; init; }

    public LogLevel LogLevel { get; init; } = LogLevel.Info;

    public IReadOnlyList<(string Component, LogLevel Level)> ComponentLogLevels { get; init; } = [];

    public TimeSpan DrainTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Reads the arguments; the first thing that is wrong is the problem.</summary>
    public static ProxyArguments Parse(string[] args, out string? problem)
    {
        var result = new ProxyArguments();
        problem = null;
        for (int i = 0; i < args.Length && problem is null; i++)
        {
            (string name, string? value) = Split(args[i]);
            if (name is "-h" or "--help") return result with { Mode = ProxyMode.Help };
            if (name is "--version") return result with { Mode = ProxyMode.Version };
            if (!IsKnown(name))
            {
                problem = $"unknown option {name}";
                break;
            }

            value ??= i + 1 < args.Length ? args[++i] : null;
            if (value is null) problem = $"{name} needs a value";
            else if (result.With(name, value) is { } next) result = next;
            else problem = $"{name}: '{value}' is not a value for it";
        }

        if (problem is null && result.ConfigPath.Length == 0) problem = "-c FILE is required";
        return result;
    }

    private static (string Name, string? Value) Split(string argument)
    {
        int equals = argument.StartsWith("--", StringComparison.Ordinal) ? argument.IndexOf('=') : -1;
        return equals < 0 ? (argument, null) : (argument[..equals], argument[(equals + 1)..]);
    }

    private static bool IsKnown(string name) => name is "-c" or "--config-path" or "--mode" or "--concurrency" or "--service-node" or "--service-cluster"
        or "--admin-address-path" or "-l" or "--log-level" or "--component-log-level" or "--drain-time-s";

    private ProxyArguments? With(string name, string value) => name switch
    {
        "-c" or "--config-path" => this with { ConfigPath = value },
        "--mode" when value == "serve" => this with { Mode = ProxyMode.Serve },
        "--mode" when value == "validate" => this with { Mode = ProxyMode.Validate },
        "--concurrency" when TryRead(value, 1, 1024, out int count) => this with { Concurrency = count },
        "--service-node" => this with { ServiceNode = value },
        "--service-cluster" => this with { ServiceCluster = value },
        "--admin-address-path" => this with { AdminAddressPath = value },
        "-l" or "--log-level" when LogLevelNames.TryParse(value, out LogLevel level) => this with { LogLevel = level },
        "--component-log-level" when ReadComponents(value) is { } levels => this with { ComponentLogLevels = levels },
        "--drain-time-s" when TryRead(value, 0, 86_400, out int seconds) => this with { DrainTime = TimeSpan.FromSeconds(seconds) },
        _ => null,
    };

    private static bool TryRead(string text, int least, int most, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most;

    private static List<(string, LogLevel)>? ReadComponents(string text)
    {
        var levels = new List<(string, LogLevel)>();
        foreach (string part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            int colon = part.IndexOf(':');
            if (colon < 1 || !LogLevelNames.TryParse(part[(colon + 1)..], out LogLevel level)) return null;
            levels.Add((part[..colon], level));
        }

        return levels;
    }
}
