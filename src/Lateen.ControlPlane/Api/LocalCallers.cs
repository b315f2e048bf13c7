using System.Net;
using Microsoft.AspNetCore.Http;

namespace Lateen.ControlPlane.Api;

/// <summary>
/// Keeps web pages out of an API that trusts whoever reaches it. A page in a browser on this machine can send requests to loopback; under a name of its
/// own that it made resolve to 127.0.0.1 it could even read the answers. So the Host header has to be loopback's own, and a request that a browser
/// marked with an origin is refused.
/// </summary>
internal static class LocalCallers
{
    public static Task RequireAsync(HttpContext http, RequestDelegate next)
    {
        string host = http.Request.Host.Host;
        bool isLocal = host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
        if (isLocal && !http.Request.Headers.ContainsKey("Origin")) return next(http);
        http.Response.StatusCode = StatusCodes.Status403Forbidden;
        return http.Response.WriteAsync("the API answers programs on this machine, addressed as localhost or by a loopback address\n", http.RequestAborted);
    }
}
