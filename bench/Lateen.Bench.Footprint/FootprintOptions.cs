using System.Globalization;

namespace Lateen.Bench.Footprint;

/// <summary>What the command line asks for.</summary>
internal sealed record FootprintOptions
{
    internal const string Usage = """
        usage: Lateen.Bench.Footprint [options]
          --only start,memory,connections,detection,floods,changes,mtls   which figures (all)
          --starts N        starts measured (20)
          --connections N   idle connections held (10000)
          --rounds N        proxies measured for memory figures, a fresh one each; turns alone and beside each flood (3)
          --flood NAME      only the floods whose name has this in it
          --services N      services, and as many VirtualServices, of the large mesh (2000)
          --changes N       routes changed (200)
          --output DIR      where the JSON goes (artifacts/bench)
          --proxy PATH      lateen-proxy (artifacts/lateen-proxy/lateen-proxy)
          --lateen PATH     lateen (src/lateen/bin/Release/net10.0/lateen)
        """;

    public IReadOnlyList<string> Only { get; init; } = ["start", "memory", "connections", "detection", "floods", "changes", "mtls"];

    public int Starts { get; init; } = 20;

    public int Connections { get; init; } = 10_000;

    public int Rounds { get; init; } = 3;

    public string Flood { get; init; } = string.Empty;

    public int Services { get; init; } = 2000;

    public int Changes { get; init; } = 200;

    public string Output { get; init; } = "artifacts/bench";

    public string Proxy { get; init; } = "artifacts/lateen-proxy/lateen-proxy";

    public string Lateen { get; init; } = "src/lateen/bin/Release/net10.0/lateen";

    /// <summary>Null, and what is wrong, when the arguments are not understood.</summary>
    internal static FootprintOptions? Parse(string[] arguments, out string error)
    {
        var options = new FootprintOptions();
        error = string.Empty;
        for (int i = 0; i < arguments.Length; i += 2)
        {
            string? value = i + 1 < arguments.Length ? arguments[i + 1] : null;
            int number = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int read) && read > 0 ? read : 0;
            var next = (arguments[i], value, number) switch
            {
                ("--only", { } list, _) => options with { Only = list.Split(',') },
                ("--output", { } path, _) => options with { Output = path },
                ("--proxy", { } path, _) => options with { Proxy = path },
                ("--lateen", { } path, _) => options with { Lateen = path },
                ("--flood", { } name, _) => options with { Flood = name },
                ("--starts", _, > 0) => options with { Starts = number },
                ("--connections", _, > 0) => options with { Connections = number },
                ("--rounds", _, > 0) => options with { Rounds = number },
                ("--services", _, > 0) => options with { Services = number },
                ("--changes", _, > 0) => options with { Changes = number },
                _ => null,
            };
            if (next is null)
            {
                error = $"not understood: {arguments[i]} {value}";
                return null;
            }

            options = next;
        }

        return options;
    }
}
