namespace Lateen.Proxy.Admin;

/// <summary>The admin site of a proxy: Envoy's pages, as far as they have a meaning here.</summary>
public static class AdminPages
{
    /// <summary>Makes the site.</summary>
    public static AdminSite Create(AdminContext context) => new(
    [
        .. StatsPages.Create(context),
        .. ServerPages.Create(context),
        .. CommandPages.Create(context),
        CertificatesPage.Create(context),
        ClustersPage.Create(context),
        ConfigDumpPage.Create(context),
        ListenersPage.Create(context),
        LoggingPage.Create(context),
    ]);
}
