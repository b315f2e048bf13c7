using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Lateen.Http;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Forwarding.Streams;

/// <summary>
/// The key and the accept value of a WebSocket handshake (RFC 6455 section 4), which HTTP/1.1 has and HTTP/2 has not (RFC 8441 section 5): where
/// the two meet, they are made up here.
/// </summary>
internal static class WebSocketHandshake
{
    private const int KeyOctets = 16;
    private const int KeyLength = 24;
    private const int AcceptLength = 28;

    private static readonly HeaderName Key = HeaderName.Create("sec-websocket-key");
    private static readonly HeaderName Accept = HeaderName.Create("sec-websocket-accept");

    private static ReadOnlySpan<byte> Guid => "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8;

    /// <summary>
    /// A request that came without a key, because its client speaks HTTP/2, gets one before it goes to an HTTP/1.1 server. A client of HTTP/1.1 that sends none is
    /// no WebSocket client, and the server is to see that (RFC 6455 section 4.2.1).
    /// </summary>
    public static void EnsureKey(HttpRequestHead request, ReactorRandom random)
    {
        if (request.Protocol != HttpProtocol.Http2 || !IsWebSocket(request.Upgrade) || request.Headers.IndexOf(Key) >= 0) return;
        Span<byte> text = stackalloc byte[KeyLength];
        BitConverter.TryWriteBytes(text, random.Next());
        BitConverter.TryWriteBytes(text[8..], random.Next());
        Base64.EncodeToUtf8InPlace(text, KeyOctets, out _);
        request.Headers.Add(Key, text);
    }

    /// <summary>A response that came without an accept value, because its server speaks HTTP/2, gets the one that an HTTP/1.1 client waits for.</summary>
    public static void EnsureAccept(HttpRequestHead request, HttpResponseHead response)
    {
        if (!IsWebSocket(request.Upgrade) || response.Headers.IndexOf(Accept) >= 0 || !request.Headers.TryGet(Key, out ReadOnlySpan<byte> key)) return;
        Span<byte> text = stackalloc byte[AcceptLength];
        if (TryDerive(key, text)) response.Headers.Add(Accept, text);
    }

    /// <summary>The server's accept value fits the key that it was sent, or there is none of either.</summary>
    public static bool IsAccepted(HttpRequestHead request, HttpResponseHead response)
    {
        if (!IsWebSocket(request.Upgrade) || !request.Headers.TryGet(Key, out ReadOnlySpan<byte> key)) return true;
        if (!response.Headers.TryGet(Accept, out ReadOnlySpan<byte> accept)) return true;
        Span<byte> text = stackalloc byte[AcceptLength];
        return !TryDerive(key, text) || accept.SequenceEqual(text);
    }

    /// <summary>HTTP/2 has no accept value.</summary>
    public static void DropAccept(HttpResponseHead response) => response.Headers.Remove(Accept);

    private static bool IsWebSocket(ReadOnlySpan<byte> protocol) => Ascii.EqualsIgnoreCase(protocol, "websocket"u8);

    private static bool TryDerive(ReadOnlySpan<byte> key, Span<byte> accept)
    {
        if (key.Length > KeyLength) return false;
        Span<byte> input = stackalloc byte[KeyLength + Guid.Length];
        key.CopyTo(input);
        Guid.CopyTo(input[key.Length..]);
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
#pragma warning disable CA5350 // RFC 6455 section 4.2.2 names SHA-1; nothing is protected by it.
        SHA1.HashData(input[..(key.Length + Guid.Length)], hash);
#pragma warning restore CA5350
        return Base64.EncodeToUtf8(hash, accept, out _, out _) == System.Buffers.OperationStatus.Done;
    }
}
