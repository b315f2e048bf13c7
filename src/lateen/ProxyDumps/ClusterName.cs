using System.Globalization;

namespace Lateen.Cli.ProxyDumps;

/// <summary>A cluster name taken apart: <c>outbound|9080|v1|reviews.shop.svc.cluster.local</c>; other names are all host.</summary>
internal readonly record struct ClusterName(string Direction, int Port, string Subset, string Host)
{
    public static ClusterName Parse(string name) =>
        name.Split('|') is [var direction, var port, var subset, var host] && int.TryParse(port, CultureInfo.InvariantCulture, out int number)
            ? new ClusterName(direction, number, subset, host)
            : new ClusterName("-", 0, "", name);

    public string PortText => Port == 0 ? "-" : Port.ToString(CultureInfo.InvariantCulture);

    public string SubsetText => Subset.Length == 0 ? "-" : Subset;
}
