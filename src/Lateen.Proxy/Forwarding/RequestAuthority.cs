using System.Net;
using Lateen.Http;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Forwarding;

/// <summary>What is taken off the Host before virtual hosts are matched: its port, its trailing dot.</summary>
internal static class RequestAuthority
{
    public static void Apply(HttpRequestHead request, HttpConnectionManagerSnapshot manager, EndPoint local)
    {
        bool stripsPort = request.Port >= 0 && manager.StripHostPort switch
        {
            HostPortStripping.Any => true,
            HostPortStripping.Matching => local is IPEndPoint { Port: var port } && port == request.Port,
            _ => false,
        };
        bool stripsDot = manager.StripTrailingHostDot && request.Host.EndsWith("."u8);
        if (!stripsPort && !stripsDot) return;

        ReadOnlySpan<byte> host = request.Authority[..request.Host.Length];
        ReadOnlySpan<byte> rest = request.Authority[request.Host.Length..];
        if (stripsDot) host = host[..^1];
        if (host.IsEmpty) return;
        Span<byte> stripped = stackalloc byte[host.Length + rest.Length];
        host.CopyTo(stripped);
        if (!stripsPort) rest.CopyTo(stripped[host.Length..]);
        request.SetAuthority(stripsPort ? stripped[..host.Length] : stripped);
    }
}
