using Lateen.Http;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Filters.Grpc;

/// <summary>
/// <c>envoy.filters.http.grpc_web</c>: a browser's gRPC-Web call goes on as gRPC, and the response comes back as gRPC-Web, its trailers as
/// the last frame of the content. Both forms, binary and base64 text (gRPC, "PROTOCOL-WEB").
/// </summary>
/// <param name="Name">The instance's name in the configuration.</param>
/// <param name="TypeUrl">Type URL of the typed configuration.</param>
public sealed record GrpcWebFilter(string Name, string TypeUrl) : HttpFilter(Name, TypeUrl)
{
    private static readonly HeaderName GrpcAcceptEncoding = HeaderName.Create("grpc-accept-encoding");

    public override FilterStages Stages =>
        FilterStages.Request | FilterStages.Response | FilterStages.RequestContent | FilterStages.ResponseContent | FilterStages.Complete;

    public override FilterVerdict OnRequest(HttpExchange exchange)
    {
        var request = exchange.Request;
        if (!request.Headers.TryGet(KnownHeader.ContentType, out var type) || !TryReadType(type, out var isText, out var suffix)) return FilterVerdict.Continue;
        var call = exchange.FilterState<Call>(this);
        call.IsActive = true;
        call.IsTextRequest = isText;
        call.IsTextResponse = request.Headers.TryGet(KnownHeader.Accept, out var accept) && TryReadType(accept, out var wantsText, out _) && wantsText;
        exchange.IsGrpc = true;
        Span<byte> plain = stackalloc byte[64];
        "application/grpc"u8.CopyTo(plain);
        suffix.CopyTo(plain[16..]);
        request.Headers.Set(KnownHeader.ContentType, plain[..(16 + suffix.Length)]);
        request.Headers.Set(GrpcAcceptEncoding, "identity,deflate,gzip"u8);
        request.AcceptsTrailers = true;
        // The length of the text is not that of the messages.
        if (request.HasBody && isText) request.SetBody(BodyFraming.Chunked);
        return FilterVerdict.Continue;
    }

    public override FilterVerdict OnResponse(HttpExchange exchange)
    {
        var call = exchange.FilterState<Call>(this);
        if (!call.IsActive) return FilterVerdict.Continue;
        var response = exchange.Response;
        // What is not gRPC (a gateway's page, a redirect) is no gRPC-Web either: the client maps its status.
        call.Transforms = GrpcContent.IsGrpc(response.Headers);
        if (!call.Transforms) return FilterVerdict.Continue;
        response.Headers.Set(KnownHeader.ContentType, call.IsTextResponse ? "application/grpc-web-text+proto"u8 : "application/grpc-web+proto"u8);
        if (response.HasBody) response.SetBody(BodyFraming.Chunked);
        return FilterVerdict.Continue;
    }

    internal override ContentSource WrapRequest(HttpExchange exchange, ContentSource content)
    {
        var call = exchange.FilterState<Call>(this);
        return call is { IsActive: true, IsTextRequest: true } ? call.Request.Begin(content) : content;
    }

    internal override ContentSource WrapResponse(HttpExchange exchange, ContentSource content)
    {
        var call = exchange.FilterState<Call>(this);
        return call is { IsActive: true, Transforms: true } ? call.Response.Begin(content, exchange, call.IsTextResponse) : content;
    }

    public override void OnComplete(HttpExchange exchange) => exchange.FilterState<Call>(this).End();

    /// <summary><c>application/grpc-web</c> or <c>application/grpc-web-text</c>, alone or with a suffix such as <c>+proto</c>, which is kept.</summary>
    private static bool TryReadType(ReadOnlySpan<byte> type, out bool isText, out ReadOnlySpan<byte> suffix)
    {
        const int maxSuffix = 32;
        isText = false;
        suffix = default;
        if (!type.StartsWith("application/grpc-web"u8)) return false;
        suffix = type[20..];
        if (suffix.StartsWith("-text"u8))
        {
            isText = true;
            suffix = suffix[5..];
        }

        if (suffix.Length > maxSuffix) return false;
        return suffix.IsEmpty || suffix[0] is (byte)'+' or (byte)';';
    }

    private sealed class Call
    {
        public bool IsActive { get; set; }

        public bool IsTextRequest { get; set; }

        public bool IsTextResponse { get; set; }

        public bool Transforms { get; set; }

        public GrpcWebTextDecoder Request { get; } = new();

        public GrpcWebResponseEncoder Response { get; } = new();

        public void End()
        {
            IsActive = Transforms = false;
            Request.End();
            Response.End();
        }
    }
}
