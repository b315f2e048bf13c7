using System.Net;
using Lateen.Http;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Forwarding;

/// <summary>What is taken off the Host before virtual hosts are matched (its port, its trailing dot), and what a CONNECT gets back.</summary>
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

    /// <summary>
    /// A CONNECT names a port (RFC 9110 section 9.3.6): if none is left, because it was stripped or the host was rewritten, it is the client's.
    /// </summary>
    public static void RestorePort(HttpRequestHead connect)
    {
        if (connect.Port >= 0) return;
        ReadOnlySpan<byte> asked = connect.RawTarget;
        ReadOnlySpan<byte> port = asked[asked.LastIndexOf((byte)':')..];
        Span<byte> authority = stackalloc byte[connect.Authority.Length + port.Length];
        connect.Authority.CopyTo(authority);
        port.CopyTo(authority[connect.Authority.Length..]);
        connect.SetAuthority(authority);
    }
}
