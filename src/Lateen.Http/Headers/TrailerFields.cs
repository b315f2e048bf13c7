namespace Lateen.Http;

/// <summary>
/// Which fields may arrive after the content. RFC 9110 section 6.5.1 forbids those that frame, route, authenticate or modify the message, or say
/// how to process its content: whoever decided by them has decided already, so they are dropped rather than merged.
/// </summary>
internal static class TrailerFields
{
    internal static bool IsAllowed(KnownHeader id) => id switch
    {
        KnownHeader.Host or KnownHeader.Connection or KnownHeader.KeepAlive or KnownHeader.ProxyConnection or KnownHeader.Te
            or KnownHeader.Trailer or KnownHeader.TransferEncoding or KnownHeader.Upgrade or KnownHeader.ContentLength
            or KnownHeader.Expect or KnownHeader.Http2Settings or KnownHeader.MaxForwards or KnownHeader.Via => false,
        KnownHeader.ContentType or KnownHeader.ContentEncoding or KnownHeader.ContentRange => false,
        KnownHeader.Cookie or KnownHeader.SetCookie or KnownHeader.Authorization or KnownHeader.ProxyAuthorization
            or KnownHeader.WwwAuthenticate or KnownHeader.ProxyAuthenticate => false,
        KnownHeader.IfMatch or KnownHeader.IfNoneMatch or KnownHeader.IfModifiedSince or KnownHeader.IfUnmodifiedSince
            or KnownHeader.IfRange or KnownHeader.Range => false,
        KnownHeader.CacheControl or KnownHeader.Age or KnownHeader.Expires or KnownHeader.Pragma or KnownHeader.Vary or KnownHeader.Date
            or KnownHeader.Location or KnownHeader.RetryAfter => false,
        >= KnownHeader.Forwarded and <= KnownHeader.XClientTraceId => false,
        >= KnownHeader.XEnvoyAttemptCount => false,
        _ => true,
    };
}
