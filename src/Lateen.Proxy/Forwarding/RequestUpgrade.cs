using Lateen.Http;

namespace Lateen.Proxy.Forwarding;

/// <summary>What becomes of a request to switch protocols.</summary>
internal static class RequestUpgrade
{
    /// <summary>
    /// True when the request can go on as plain HTTP/1.1: it asks for nothing, or only for h2c, which a server may ignore (RFC 9110 section
    /// 7.8, and RFC 9113 section 3.1 has retired it). Its Upgrade is not passed on then.
    /// </summary>
    public static bool TryDrop(HttpRequestHead request)
    {
        if (request.Upgrade.IsEmpty) return true;
        if (!request.AsksUpgradeTo("h2c"u8)) return false;
        request.Headers.Remove(KnownHeader.Http2Settings);
        return true;
    }
}
