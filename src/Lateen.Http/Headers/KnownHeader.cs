namespace Lateen.Http;

/// <summary>
/// Field names that the proxy recognises once, while it parses, so that everybody after it compares one byte instead of a name.
/// The numeric values are an implementation detail: they may change between builds and must never be persisted or sent.
/// </summary>
/// <remarks>At most 128 members, because <see cref="HeaderBlock"/> keeps their presence in two machine words.</remarks>
public enum KnownHeader : byte
{
    /// <summary>Any name that is not listed here; it is compared by its bytes, ignoring ASCII case.</summary>
    None = 0,

    // Framing and connection control, RFC 9112 and RFC 9110 section 7.6.
    Host,
    Connection,
    KeepAlive,
    ProxyConnection,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    ContentLength,
    Expect,
    Http2Settings,
    MaxForwards,
    Via,

    // Representation and content, RFC 9110 section 8.
    ContentType,
    ContentEncoding,
    ContentLanguage,
    ContentLocation,
    ContentRange,
    AcceptRanges,
    LastModified,
    ETag,

    // Request context, RFC 9110 sections 10 to 14.
    Accept,
    AcceptCharset,
    AcceptEncoding,
    AcceptLanguage,
    UserAgent,
    Referer,
    From,
    Origin,
    Cookie,
    Authorization,
    ProxyAuthorization,
    IfMatch,
    IfNoneMatch,
    IfModifiedSince,
    IfUnmodifiedSince,
    IfRange,
    Range,

    // Response context.
    Date,
    Server,
    Location,
    RetryAfter,
    Allow,
    Vary,
    SetCookie,
    WwwAuthenticate,
    ProxyAuthenticate,
    ProxyStatus,
    AltSvc,
    StrictTransportSecurity,
    AccessControlAllowOrigin,
    AccessControlAllowCredentials,
    AccessControlAllowHeaders,
    AccessControlAllowMethods,
    AccessControlExposeHeaders,
    AccessControlMaxAge,
    AccessControlRequestHeaders,
    AccessControlRequestMethod,

    // Caching, RFC 9111.
    CacheControl,
    Age,
    Expires,
    Pragma,

    // WebSocket, RFC 6455.
    SecWebSocketKey,
    SecWebSocketVersion,
    SecWebSocketAccept,
    SecWebSocketProtocol,
    SecWebSocketExtensions,

    // gRPC over HTTP.
    GrpcStatus,
    GrpcMessage,
    GrpcTimeout,
    GrpcEncoding,
    GrpcAcceptEncoding,

    // Who called, and through whom.
    Forwarded,
    XForwardedFor,
    XForwardedProto,
    XForwardedHost,
    XForwardedPort,
    XForwardedClientCert,
    XRequestId,
    XClientTraceId,

    // Tracing: W3C trace context and B3.
    TraceParent,
    TraceState,
    Baggage,
    B3,
    XB3TraceId,
    XB3SpanId,
    XB3ParentSpanId,
    XB3Sampled,
    XB3Flags,
    XOtSpanContext,

    // Envoy's own.
    XEnvoyAttemptCount,
    XEnvoyDecoratorOperation,
    XEnvoyDownstreamServiceCluster,
    XEnvoyDownstreamServiceNode,
    XEnvoyExpectedRqTimeoutMs,
    XEnvoyExternalAddress,
    XEnvoyForceTrace,
    XEnvoyHedgeOnPerTryTimeout,
    XEnvoyImmediateHealthCheckFail,
    XEnvoyInternal,
    XEnvoyIpTags,
    XEnvoyIsTimeoutRetry,
    XEnvoyMaxRetries,
    XEnvoyOriginalHost,
    XEnvoyOriginalPath,
    XEnvoyOverloaded,
    XEnvoyPeerMetadata,
    XEnvoyPeerMetadataId,
    XEnvoyRateLimited,
    XEnvoyRetriableHeaderNames,
    XEnvoyRetriableStatusCodes,
    XEnvoyRetryGrpcOn,
    XEnvoyRetryOn,
    XEnvoyUpstreamAltStatName,
    XEnvoyUpstreamCanary,
    XEnvoyUpstreamHealthCheckedCluster,
    XEnvoyUpstreamRqPerTryTimeoutMs,
    XEnvoyUpstreamRqTimeoutAltResponse,
    XEnvoyUpstreamRqTimeoutMs,
    XEnvoyUpstreamServiceTime,
    XEnvoyUpstreamStreamDurationMs,
}
