using Lateen.Proxy.Logging;

namespace Lateen.Proxy.Admin;

/// <summary><c>/logging</c>: shows the level of each component and sets it: <c>?level=debug</c> for all, <c>?http=debug</c> for one,
/// <c>?paths=http:debug,config:trace</c> for several. All or nothing.</summary>
internal static class LoggingPage
{
    public static AdminPage Create(AdminContext context) => new(
        "/logging", "query/change logging levels (level=LEVEL, COMPONENT=LEVEL, paths=COMPONENT:LEVEL,...)", true,
        (request, response) => Answer(context.Log, request, response));

    private static void Answer(ProxyLog log, AdminRequest request, AdminResponse response)
    {
        var changes = new List<(string? Component, LogLevel Level)>();
        foreach (var name in request.Names)
        {
            if (!TryRead(log, name, request[name]!, changes, out var reason))
            {
                response.Refuse(400, reason + "\n");
                return;
            }
        }

        foreach (var (component, level) in changes)
        {
            if (component is null) log.SetLevel(level);
            else log.TrySetLevel(component, level);
        }

        response.Write("active loggers:\n");
        foreach (var logger in log.Loggers) response.Write($"  {logger.Component}: {LogLevelNames.Of(logger.Level)}\n");
    }

    private static bool TryRead(ProxyLog log, string name, string value, List<(string?, LogLevel)> changes, out string reason)
    {
        switch (name)
        {
            case "level": return TryAdd(null, value, changes, out reason);
            case "paths":
                foreach (var pair in value.Split(',', StringSplitOptions.RemoveEmptyEntries))
                {
                    var parts = pair.Split(':');
                    if (parts.Length != 2)
                    {
                        reason = $"error: '{pair}' is not COMPONENT:LEVEL";
                        return false;
                    }

                    if (!TryAddFor(log, parts[0], parts[1], changes, out reason)) return false;
                }

                reason = string.Empty;
                return true;
            default: return TryAddFor(log, name, value, changes, out reason);
        }
    }

    private static bool TryAddFor(ProxyLog log, string component, string level, List<(string?, LogLevel)> changes, out string reason)
    {
        if (log.Loggers.Any(logger => logger.Component == component)) return TryAdd(component, level, changes, out reason);
        reason = $"error: unknown logger name '{component}'; the loggers are {string.Join(", ", log.Loggers.Select(static logger => logger.Component))}";
        return false;
    }

    private static bool TryAdd(string? component, string name, List<(string?, LogLevel)> changes, out string reason)
    {
        if (LogLevelNames.TryParse(name, out var level))
        {
            changes.Add((component, level));
            reason = string.Empty;
            return true;
        }

        reason = $"error: unknown logger level '{name}'; the levels are trace, debug, info, warning, error, critical, off";
        return false;
    }
}
