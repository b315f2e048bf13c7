using Envoy.Config.Route.V3;
using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Routing;
using Lateen.Xds.Text;

namespace Lateen.Proxy.Tests.Routing;

/// <summary>Route configurations in YAML, as a user writes them, compiled for a simulated call.</summary>
internal sealed class Routes
{
    private Routes(RouteTable table) => Table = table;

    public RouteTable Table { get; }

    public ReactorRandom Random { get; } = new(42);

    public static RouteConfiguration Read(string yaml)
    {
        var configuration = ProtoYamlReader.ReadText<RouteConfiguration>(yaml, out var faults);
        Assert.Empty(faults);
        return configuration!;
    }

    public static Routes Compile(string yaml)
    {
        var errors = new ConfigurationErrors();
        var table = new RouteTableCompiler(new ClusterDirectory()).Compile(Read(yaml), null, FieldPath.Root, errors);
        Assert.Equal(string.Empty, errors.ToString());
        return new Routes(table!);
    }

    /// <summary>One virtual host for everything, with these routes (a YAML list).</summary>
    public static Routes OfRoutes(string routes) => Compile($"""
        name: test
        virtual_hosts:
        - name: all
          domains: ["*"]
          routes:
        {Indent(routes, 2)}
        """);

    /// <summary>One route to cluster "hit" under this match (a YAML mapping on one line).</summary>
    public static Routes OfMatch(string match) => OfRoutes($"- match: {match}\n  route: {{cluster: hit}}");

    public static string[] ErrorsOf(string yaml)
    {
        var errors = new ConfigurationErrors();
        var table = new RouteTableCompiler(new ClusterDirectory()).Compile(Read(yaml), null, FieldPath.Root, errors);
        Assert.Null(table);
        return [.. errors.All.Select(error => error.ToString())];
    }

    public static string[] ErrorsOfRoutes(string routes) => ErrorsOf($"""
        name: test
        virtual_hosts:
        - name: all
          domains: ["*"]
          routes:
        {Indent(routes, 2)}
        """);

    public static string Indent(string text, int spaces) =>
        string.Join('\n', text.Split('\n').Select(line => new string(' ', spaces) + line));

    /// <summary>The virtual host and the cluster that a request reaches, as <c>host/cluster</c>; "-" when there is no route.</summary>
    public string Reach(HttpRequestHead request)
    {
        if (Table.Match(request, Random) is not { } route) return "-";
        return route.Action is ForwardAction forward
            ? $"{route.VirtualHost.Name}/{forward.ChooseCluster(request, ProxySnapshot.Empty, Random, out _)?.Name}"
            : $"{route.VirtualHost.Name}/{route.Action.GetType().Name}";
    }

    public bool Hits(HttpRequestHead request) => Reach(request) == "all/hit";

    public ForwardAction Forward(HttpRequestHead request) => Assert.IsType<ForwardAction>(Table.Match(request, Random)?.Action);
}
