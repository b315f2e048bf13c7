namespace Lateen.Cli.ProxyDumps;

/// <summary>What of a dump is asked for. A null part asks for everything.</summary>
internal sealed record DumpFilter(int? Port, string? Fqdn, string? Name)
{
    public bool AdmitsName(string name) => Name is null || name == Name;

    public bool AdmitsPort(int port) => Port is null || port == Port;

    /// <summary>The host asked for, or one below it: <c>reviews</c> and <c>reviews.shop</c> find <c>reviews.shop.svc.cluster.local</c>.</summary>
    public bool AdmitsHost(string host) =>
        Fqdn is null || host.Equals(Fqdn, StringComparison.OrdinalIgnoreCase) || host.StartsWith(Fqdn + ".", StringComparison.OrdinalIgnoreCase);
}
