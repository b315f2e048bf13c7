using System.Buffers.Text;
using System.Net;
using System.Text;
using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Listeners;

namespace Lateen.Proxy.Forwarding;

/// <summary>
/// What an HTTP connection manager does to a request's head before anything else looks at it: who the client is, what it may claim, and the
/// id under which everybody will log it. In the order of Envoy's own (docs, "HTTP header manipulation").
/// </summary>
/// <remarks>Stateless. Allocates nothing but for a client address that only x-forwarded-for knows.</remarks>
internal static class RequestHeaderPolicy
{
    /// <summary>What no one outside may tell us, whether or not we are the edge.</summary>
    private static readonly KnownHeader[] InternalOnly =
    [
        KnownHeader.XEnvoyRetriableStatusCodes, KnownHeader.XEnvoyRetriableHeaderNames, KnownHeader.XEnvoyRetryOn, KnownHeader.XEnvoyRetryGrpcOn,
        KnownHeader.XEnvoyMaxRetries, KnownHeader.XEnvoyUpstreamAltStatName, KnownHeader.XEnvoyUpstreamRqTimeoutMs,
        KnownHeader.XEnvoyUpstreamRqPerTryTimeoutMs, KnownHeader.XEnvoyUpstreamRqTimeoutAltResponse, KnownHeader.XEnvoyExpectedRqTimeoutMs,
        KnownHeader.XEnvoyForceTrace, KnownHeader.XEnvoyIpTags, KnownHeader.XEnvoyHedgeOnPerTryTimeout,
    ];

    /// <summary>What no one may tell the edge.</summary>
    private static readonly KnownHeader[] EdgeStripped =
    [
        KnownHeader.XEnvoyAttemptCount, KnownHeader.XEnvoyDecoratorOperation, KnownHeader.XEnvoyOriginalPath, KnownHeader.XEnvoyOriginalHost,
        KnownHeader.XEnvoyDownstreamServiceCluster, KnownHeader.XEnvoyDownstreamServiceNode,
    ];

    public static void Apply(HttpExchange exchange, DownstreamConnection connection)
    {
        HttpConnectionManagerSnapshot manager = exchange.Profile.Manager;
        HttpRequestHead request = exchange.Request;
        HeaderBlock headers = request.Headers;
        request.StripHopByHop();
        headers.Remove(KnownHeader.XEnvoyInternal);

        bool hadForwardedFor = headers.Contains(KnownHeader.XForwardedFor);
        bool usesRemote = manager.ClientAddress.UseRemoteAddress;
        bool isInternal = usesRemote
            ? ApplyRemoteAddress(exchange, connection, hadForwardedFor)
            : ReadForwardedFor(exchange, connection);
        bool isEdge = usesRemote && !isInternal;
        ApplyScheme(request, manager, isTrusted: !usesRemote || manager.ClientAddress.TrustedHops > 0, connection.Tls is not null);
        if (manager.AppendXForwardedPort && connection.Transport.LocalEndPoint is IPEndPoint local && !headers.Contains(KnownHeader.XForwardedPort))
        {
            AddNumber(headers, KnownHeader.XForwardedPort, local.Port);
        }

        exchange.IsInternal = isInternal;
        if (isInternal)
        {
            headers.Set(KnownHeader.XEnvoyInternal, "true"u8);
        }
        else
        {
            if (isEdge) RemoveAll(headers, EdgeStripped);
            RemoveAll(headers, InternalOnly);
        }

        if (isEdge) SetExternalAddress(exchange, connection);
        if (manager.AddUserAgent) Introduce(headers, connection.Worker.LocalNode);
        if (manager.RequestId.Generate) EnsureRequestId(headers, connection.Worker, isForced: isEdge && !manager.RequestId.PreserveExternal);
        if (exchange.Profile.Via.Length > 0) headers.AppendToList(KnownHeader.Via, exchange.Profile.Via);
        ApplyClientCertificate(headers, connection, exchange.Profile);
    }

    /// <summary>Tells upstreams who asks in the client's stead, and stands in for a user agent that the client does not name.</summary>
    private static void Introduce(HeaderBlock headers, LocalNode node)
    {
        headers.Set(KnownHeader.XEnvoyDownstreamServiceCluster, node.Cluster);
        if (!headers.TryGet(KnownHeader.UserAgent, out ReadOnlySpan<byte> agent) || agent.IsEmpty) headers.Set(KnownHeader.UserAgent, node.Cluster);
        if (node.Id.Length > 0) headers.Set(KnownHeader.XEnvoyDownstreamServiceNode, node.Id);
    }

    /// <summary>
    /// What is told of the client's certificate, and what others told of certificates before. On a connection without one that was verified, nobody is
    /// believed but where the configuration says always.
    /// </summary>
    private static void ApplyClientCertificate(HeaderBlock headers, DownstreamConnection connection, HttpConnectionProfile rules)
    {
        ForwardedClientCertificate mode = rules.Manager.ForwardClientCertificate;
        if (mode == ForwardedClientCertificate.AlwaysForwardOnly) return;
        if (mode == ForwardedClientCertificate.Sanitize || connection.Tls is not { IsPeerTrusted: true, PeerCertificate: not null })
            headers.Remove(KnownHeader.XForwardedClientCert);
        else if (mode == ForwardedClientCertificate.SanitizeSet)
            headers.Set(KnownHeader.XForwardedClientCert, connection.ForwardedCertificate(rules));
        else if (mode == ForwardedClientCertificate.AppendForward)
            headers.AppendToList(KnownHeader.XForwardedClientCert, connection.ForwardedCertificate(rules));
    }

    /// <summary>We are the edge: the connection says who the client is, unless trusted proxies stand before us.</summary>
    private static bool ApplyRemoteAddress(HttpExchange exchange, DownstreamConnection connection, bool hadForwardedFor)
    {
        ClientAddressOptions options = exchange.Profile.Manager.ClientAddress;
        HeaderBlock headers = exchange.Request.Headers;
        IPAddress? told = options.TrustedHops > 0 ? FromTheEnd(headers, (int)options.TrustedHops - 1, out _) : null;
        exchange.Record.DownstreamRemoteAddress = told;
        if (!options.SkipXffAppend && !connection.RemoteAddressText.IsEmpty)
        {
            headers.AppendToList(KnownHeader.XForwardedFor, connection.RemoteAddressText);
        }

        return !hadForwardedFor && (told is null ? connection.IsFromInside(exchange.Profile) : exchange.Profile.IsInternal(told));
    }

    /// <summary>Somebody before us is the edge: what it wrote says who the client is.</summary>
    private static bool ReadForwardedFor(HttpExchange exchange, DownstreamConnection connection)
    {
        HeaderBlock headers = exchange.Request.Headers;
        if (!headers.Contains(KnownHeader.XForwardedFor)) return false;
        IPAddress? told = FromTheEnd(headers, (int)exchange.Profile.Manager.ClientAddress.TrustedHops, out bool isSingle);
        exchange.Record.DownstreamRemoteAddress = told;
        return isSingle && told is not null && exchange.Profile.IsInternal(told);
    }

    private static void ApplyScheme(HttpRequestHead request, HttpConnectionManagerSnapshot manager, bool isTrusted, bool isEncrypted)
    {
        HeaderBlock headers = request.Headers;
        if (manager.SchemeOverwrite is { } scheme)
        {
            request.Scheme = scheme == "https" ? RequestScheme.Https : RequestScheme.Http;
            headers.Set(KnownHeader.XForwardedProto, request.Scheme == RequestScheme.Https ? "https"u8 : "http"u8);
            return;
        }

        if (isTrusted && headers.TryGet(KnownHeader.XForwardedProto, out ReadOnlySpan<byte> told))
        {
            if (told.SequenceEqual("https"u8)) request.Scheme = RequestScheme.Https;
            else if (told.SequenceEqual("http"u8)) request.Scheme = RequestScheme.Http;
            return;
        }

        // What a client writes into its request line does not make a connection safe, or unsafe.
        request.Scheme = isEncrypted ? RequestScheme.Https : RequestScheme.Http;
        headers.Set(KnownHeader.XForwardedProto, isEncrypted ? "https"u8 : "http"u8);
    }

    private static void SetExternalAddress(HttpExchange exchange, DownstreamConnection connection)
    {
        if (exchange.Record.DownstreamRemoteAddress is { } told)
        {
            Span<byte> text = stackalloc byte[64];
            if (told.TryFormat(text, out int written)) exchange.Request.Headers.Set(KnownHeader.XEnvoyExternalAddress, text[..written]);
        }
        else if (!connection.RemoteAddressText.IsEmpty)
        {
            exchange.Request.Headers.Set(KnownHeader.XEnvoyExternalAddress, connection.RemoteAddressText);
        }
    }

    private static void EnsureRequestId(HeaderBlock headers, ProxyWorker worker, bool isForced)
    {
        if (!isForced && headers.Contains(KnownHeader.XRequestId)) return;
        Span<byte> id = stackalloc byte[RequestIdentifier.Length];
        RequestIdentifier.Write(worker.Random, id);
        headers.Set(KnownHeader.XRequestId, id);
    }

    /// <summary>The address at a distance from the end of x-forwarded-for, over all its fields; null when there is none or it is not an address.</summary>
    private static IPAddress? FromTheEnd(HeaderBlock headers, int distance, out bool isSingle)
    {
        isSingle = false;
        if (headers.CountOf(KnownHeader.XForwardedFor) != 1 || !headers.TryGet(KnownHeader.XForwardedFor, out ReadOnlySpan<byte> list)) return null;
        isSingle = !list.Contains((byte)',');
        for (int skipped = 0; skipped < distance; skipped++)
        {
            int comma = list.LastIndexOf((byte)',');
            if (comma < 0) return null;
            list = list[..comma];
        }

        ReadOnlySpan<byte> entry = list[(list.LastIndexOf((byte)',') + 1)..].Trim((byte)' ');
        Span<char> text = stackalloc char[64];
        if (entry.IsEmpty || entry.Length > text.Length) return null;
        int length = Encoding.ASCII.GetChars(entry, text);
        return IPAddress.TryParse(text[..length], out IPAddress? address) ? address : null;
    }

    private static void RemoveAll(HeaderBlock headers, KnownHeader[] names)
    {
        foreach (KnownHeader name in names)
        {
            if (headers.Contains(name)) headers.Remove(name);
        }
    }

    private static void AddNumber(HeaderBlock headers, KnownHeader name, long value)
    {
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, text, out int written);
        headers.Set(name, text[..written]);
    }
}
