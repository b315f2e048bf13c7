namespace Lateen.Proxy.Admin;

/// <summary>The commands: drain, quit, health checks, log rotation.</summary>
internal static class CommandPages
{
    public static AdminPage[] Create(AdminContext context)
    {
        var lifecycle = context.Lifecycle;
        return
        [
            new("/drain_listeners", "drain listeners (graceful, inboundonly)", true, (request, response) =>
            {
                lifecycle.DrainListeners(request.Has("graceful"), request.Has("inboundonly"));
                response.Write("OK\n");
            }),
            new("/quitquitquit", "exit the server", true, (_, response) =>
            {
                response.Write("OK\n");
                lifecycle.Quit();
            }),
            new("/healthcheck/fail", "cause the server to fail health checks", true, (_, response) =>
            {
                lifecycle.SetHealthChecksFailing(true);
                response.Write("OK\n");
            }),
            new("/healthcheck/ok", "cause the server to pass health checks", true, (_, response) =>
            {
                lifecycle.SetHealthChecksFailing(false);
                response.Write("OK\n");
            }),
            new("/reopen_logs", "reopen access logs", true, (_, response) =>
            {
                context.AccessLogs.Reopen();
                response.Write("OK\n");
            }),
        ];
    }
}
