using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Listeners;

namespace Lateen.Proxy.Forwarding;

/// <summary>What an HTTP connection manager does to every response's head, the server's and our own, before it is sent.</summary>
/// <remarks>Stateless.</remarks>
internal static class ResponseHeaderPolicy
{
    public static void Apply(HttpExchange exchange, HttpConnectionProfile profile, ProxyWorker worker)
    {
        HttpResponseHead response = exchange.Response;
        HeaderBlock headers = response.Headers;
        response.StripHopByHop();
        HttpConnectionManagerSnapshot manager = profile.Manager;
        if (!headers.Contains(KnownHeader.Date)) headers.Add(KnownHeader.Date, worker.DateText);
        if (manager.ServerHeader == ServerHeaderTransformation.Overwrite
            || (manager.ServerHeader == ServerHeaderTransformation.AppendIfAbsent && !headers.Contains(KnownHeader.Server)))
        {
            headers.Set(KnownHeader.Server, profile.Server);
        }

        if (manager.RequestId.AlwaysSetInResponse && exchange.Request.Headers.TryGet(KnownHeader.XRequestId, out ReadOnlySpan<byte> id))
        {
            headers.Set(KnownHeader.XRequestId, id);
        }

        if (profile.Via.Length > 0) headers.AppendToList(KnownHeader.Via, profile.Via);
    }
}
