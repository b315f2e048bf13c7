using System.Text;

namespace Lateen.Http;

/// <summary>
/// The canonical request: built once from the wire by <see cref="Http1RequestParser"/> or <see cref="Http2ServerConnection"/> and read by routing, policy, logging and the
/// upstream writer alike, so that no two of them can read the same bytes differently.
/// </summary>
/// <remarks>
/// Owned by one thread at a time and reused: rent it when the first byte of a request arrives, <see cref="Reset"/> and give it back when
/// the exchange ends, so that an idle connection holds none. All spans point into its own store and are valid until it is changed or
/// reset. Host is not among <see cref="Headers"/>: it is <see cref="Authority"/>, and the writer puts it first on the wire.
/// It also holds the parser's progress, so a head that is half read must not be used for anything else.
/// </remarks>
public sealed class HttpRequestHead
{
    internal int ScanPosition;
    internal int LineStart;
    internal int LeadingEmptyLines;
    internal int FieldLines;
    internal bool StartLineDone;
    internal bool IsStripped;

    internal ByteRange MethodRange;
    internal ByteRange TargetRange;
    internal ByteRange AuthorityRange;
    internal ByteRange LowerAuthorityRange;
    internal ByteRange HostRange;
    internal ByteRange PathAndQueryRange;
    internal ByteRange OriginalPathAndQueryRange;
    internal ByteRange UpgradeRange;
    internal ByteRange ConnectProtocolRange;
    private int _pathLength;

    /// <summary>The fields, in message order, Host excepted.</summary>
    public HeaderBlock Headers { get; } = new();

    /// <summary>The version in which the client speaks; it limits what the response may use.</summary>
    public HttpProtocol Protocol { get; internal set; }

    /// <summary>The method, if it is a listed one.</summary>
    public RequestMethod Method { get; private set; }

    /// <summary>The method's bytes, also when it is not a listed one.</summary>
    public ReadOnlySpan<byte> MethodText => Headers.Slice(MethodRange);

    /// <summary>Which form the target had on the wire.</summary>
    public TargetForm Form { get; internal set; }

    /// <summary>The scheme: of an absolute-form target, else of the transport. The engine may set it, for instance from a trusted x-forwarded-proto.</summary>
    public RequestScheme Scheme { get; set; }

    /// <summary>The request target as it came, byte for byte. For logs; decide nothing by it.</summary>
    public ReadOnlySpan<byte> RawTarget => Headers.Slice(TargetRange);

    /// <summary>
    /// <c>host [ ":" port ]</c> as it came, in the target if that is absolute-form or authority-form, else in Host. Empty only for an
    /// HTTP/1.0 request without Host.
    /// </summary>
    public ReadOnlySpan<byte> Authority => Headers.Slice(AuthorityRange);

    /// <summary><see cref="Authority"/> in lower case: the form in which virtual host domains are compared.</summary>
    public ReadOnlySpan<byte> LowerAuthority => Headers.Slice(LowerAuthorityRange);

    /// <summary><see cref="LowerAuthority"/> without the port; an IPv6 address keeps its brackets.</summary>
    public ReadOnlySpan<byte> Host => Headers.Slice(HostRange);

    /// <summary>The port in the authority, 0 to 65535, or -1 when it names none.</summary>
    public int Port { get; internal set; } = -1;

    /// <summary>
    /// The path after normalisation: starts with <c>/</c>, or is <c>*</c> (OPTIONS), or is empty (CONNECT). Route by this and nothing else.
    /// </summary>
    public ReadOnlySpan<byte> Path => Headers.Slice(PathAndQueryRange with { Length = _pathLength });

    /// <summary>The query without its question mark, as it came.</summary>
    public ReadOnlySpan<byte> Query => HasQuery ? PathAndQuery[(_pathLength + 1)..] : default;

    /// <summary>True when there is a question mark, even with nothing after it.</summary>
    public bool HasQuery => PathAndQueryRange.Length > _pathLength;

    /// <summary><see cref="Path"/>, and if there is one the question mark and <see cref="Query"/>, contiguous: what goes upstream.</summary>
    public ReadOnlySpan<byte> PathAndQuery => Headers.Slice(PathAndQueryRange);

    /// <summary>Path and query as the client sent them, before normalisation and rewrites: what <c>x-envoy-original-path</c> wants.</summary>
    public ReadOnlySpan<byte> OriginalPathAndQuery => Headers.Slice(OriginalPathAndQueryRange);

    /// <summary>True when normalisation under <see cref="EscapedSlashAction.UnescapeAndRedirect"/> changed the path: answer 307 to <see cref="Path"/>.</summary>
    public bool WantsPathRedirect { get; internal set; }

    /// <summary>How the content is delimited: <see cref="BodyFraming.None"/>, <see cref="BodyFraming.Length"/> or <see cref="BodyFraming.Chunked"/>; <see cref="BodyFraming.Tunnel"/> for CONNECT, the extended one too.</summary>
    public BodyFraming Framing { get; internal set; }

    /// <summary>The declared Content-Length, or -1. A declared 0 has framing <see cref="BodyFraming.None"/> but is still sent on.</summary>
    public long ContentLength { get; internal set; } = -1;

    /// <summary>True when content follows the head.</summary>
    public bool HasBody => Framing is BodyFraming.Length or BodyFraming.Chunked;

    /// <summary>The client waits for a 100 before it sends the content (RFC 9110 section 10.1.1). Never set for HTTP/1.0 or without content.</summary>
    public bool ExpectsContinue { get; internal set; }

    /// <summary>The client will take another response on this connection (RFC 9112 section 9.3).</summary>
    public bool KeepAlive { get; internal set; }

    /// <summary>The client takes trailers in the response (<c>TE: trailers</c>).</summary>
    public bool AcceptsTrailers { get; set; }

    /// <summary>
    /// The value of Upgrade, when Connection nominates it and the version is 1.1 (RFC 9110 section 7.8); else empty. Compare it with a
    /// protocol name by <see cref="AsksUpgradeTo"/>.
    /// </summary>
    public ReadOnlySpan<byte> Upgrade => Headers.Slice(UpgradeRange);

    /// <summary>
    /// The protocol of an extended CONNECT (<c>:protocol</c>, RFC 8441 section 4), for instance <c>websocket</c>; empty for any other request. Such a
    /// request has a scheme and a path like any other, and its stream is a tunnel once it is answered with 2xx.
    /// </summary>
    public ReadOnlySpan<byte> ConnectProtocol => Headers.Slice(ConnectProtocolRange);

    /// <summary>Why the request was refused; <see cref="HttpRejectionCode.None"/> if it was not.</summary>
    public HttpRejection Rejection { get; internal set; }

    /// <summary>Octets of the head on the wire, for the access log and statistics.</summary>
    public int WireOctets { get; internal set; }

    /// <summary>True when the client asks to switch to this protocol (ASCII case ignored), for instance <c>websocket</c>.</summary>
    public bool AsksUpgradeTo(ReadOnlySpan<byte> protocol) => !UpgradeRange.IsEmpty && FieldList.ContainsToken(Upgrade, protocol);

    /// <summary>Sets the method, for requests that the proxy makes itself and for a redirect that it follows.</summary>
    public void SetMethod(RequestMethod method, ReadOnlySpan<byte> text)
    {
        if (!Grammar.IsToken(text)) throw new ArgumentException("not a method", nameof(text));
        MethodRange = Headers.Append(text);
        Method = method;
    }

    /// <summary>Sets a listed method.</summary>
    public void SetMethod(RequestMethod method) => SetMethod(method, RequestMethods.TextOf(method));

    /// <summary>Makes an extended CONNECT of the request, or an ordinary one again when the protocol is empty. Goes with <see cref="RequestMethod.Connect"/>.</summary>
    /// <exception cref="ArgumentException">It is not a token.</exception>
    public void SetConnectProtocol(ReadOnlySpan<byte> protocol)
    {
        if (protocol.Length > 0 && !Grammar.IsToken(protocol)) throw new ArgumentException("not a protocol", nameof(protocol));
        ConnectProtocolRange = Headers.Append(protocol);
    }

    /// <summary>Sets <see cref="Upgrade"/>, for an extended CONNECT that goes on as HTTP/1.1; empty takes it away.</summary>
    /// <exception cref="ArgumentException">It is not a list of protocols.</exception>
    public void SetUpgrade(ReadOnlySpan<byte> protocols)
    {
        if (!Grammar.IsFieldValue(protocols)) throw new ArgumentException("not a list of protocols", nameof(protocols));
        UpgradeRange = Headers.Append(protocols);
    }

    /// <summary>Replaces the path and leaves the query: a route's rewrite. The original stays readable.</summary>
    /// <exception cref="ArgumentException">The path does not start with <c>/</c> or has a byte that cannot stand in one.</exception>
    public void SetPath(ReadOnlySpan<byte> path)
    {
        if (path.Length == 0 || path[0] != '/' || path.Contains((byte)'?') || !Grammar.IsTarget(path))
            throw new ArgumentException("not a path", nameof(path));
        int queryLength = PathAndQueryRange.Length - _pathLength;
        Span<byte> target = Headers.Reserved(path.Length + queryLength);
        path.CopyTo(target);
        PathAndQuery[_pathLength..].CopyTo(target[path.Length..]);
        SetNormalizedPath(Headers.Commit(path.Length + queryLength), path.Length);
    }

    /// <summary>Replaces path and query together, <c>/path?query</c>. The original stays readable; if there was none yet, this is it.</summary>
    /// <exception cref="ArgumentException">It does not start with <c>/</c> or has a byte that cannot stand in a target.</exception>
    public void SetPathAndQuery(ReadOnlySpan<byte> pathAndQuery)
    {
        if (pathAndQuery.Length == 0 || pathAndQuery[0] != '/' || !Grammar.IsTarget(pathAndQuery))
            throw new ArgumentException("not a path", nameof(pathAndQuery));
        int mark = pathAndQuery.IndexOf((byte)'?');
        SetNormalizedPath(Headers.Append(pathAndQuery), mark < 0 ? pathAndQuery.Length : mark);
        if (OriginalPathAndQueryRange.IsEmpty) OriginalPathAndQueryRange = PathAndQueryRange;
    }

    /// <summary>Replaces the authority: a host rewrite. It decides the Host that goes upstream.</summary>
    /// <exception cref="ArgumentException">It is not <c>host [ ":" port ]</c>.</exception>
    public void SetAuthority(ReadOnlySpan<byte> authority)
    {
        if (!AuthorityGrammar.TryParse(authority, out int hostLength, out int port)) throw new ArgumentException("not an authority", nameof(authority));
        BuildAuthority(Headers.Append(authority), hostLength, port);
    }

    /// <summary>
    /// Declares another framing for the content that goes upstream, when a filter changed it. Content-Length is -1 unless the framing is
    /// <see cref="BodyFraming.Length"/>, or it is <see cref="BodyFraming.None"/> with a declared 0.
    /// </summary>
    public void SetBody(BodyFraming framing, long contentLength = -1)
    {
        Framing = framing;
        ContentLength = contentLength;
    }

    /// <summary>
    /// Removes what concerns this hop alone: fields that Connection nominates, and Connection, Keep-Alive, Proxy-Connection, Upgrade,
    /// Transfer-Encoding and TE (RFC 9110 section 7.6.1), whose meaning the properties here keep. Call it once the route is known and
    /// before fields of our own are added; the writer does it otherwise. Does nothing the second time.
    /// </summary>
    /// <remarks>
    /// Proxy-Authorization stays, as Envoy leaves it: RFC 9110 section 11.7.2 lets a proxy relay credentials that it did not ask for.
    /// Expect stays too: it is end to end (RFC 9110 section 10.1.1), and whether the proxy answers it itself is the engine's choice.
    /// </remarks>
    public void StripHopByHop()
    {
        if (IsStripped) return;
        IsStripped = true;
        HopByHop.Strip(Headers);
    }

    /// <summary>Forgets the request, keeps at most <see cref="HeaderBlock.RetainedBytes"/> of store, and is ready for the next.</summary>
    public void Reset()
    {
        Headers.Reset();
        ScanPosition = 0;
        LineStart = 0;
        LeadingEmptyLines = 0;
        FieldLines = 0;
        StartLineDone = false;
        IsStripped = false;
        MethodRange = default;
        TargetRange = default;
        AuthorityRange = default;
        LowerAuthorityRange = default;
        HostRange = default;
        PathAndQueryRange = default;
        _pathLength = 0;
        OriginalPathAndQueryRange = default;
        UpgradeRange = default;
        ConnectProtocolRange = default;
        Protocol = HttpProtocol.Http11;
        Method = RequestMethod.Other;
        Form = TargetForm.Origin;
        Scheme = RequestScheme.Http;
        Port = -1;
        WantsPathRedirect = false;
        Framing = BodyFraming.None;
        ContentLength = -1;
        ExpectsContinue = false;
        KeepAlive = false;
        AcceptsTrailers = false;
        Rejection = default;
        WireOctets = 0;
    }

    public override string ToString() =>
        $"{Encoding.Latin1.GetString(MethodText)} {Scheme} {Encoding.Latin1.GetString(Authority)} {Encoding.Latin1.GetString(Path)}";

    internal void ReadMethod(RequestMethod method, ByteRange range)
    {
        Method = method;
        MethodRange = range;
    }

    /// <summary>Points at path and query as they came.</summary>
    internal void ReadPath(ByteRange pathAndQuery, int pathLength)
    {
        OriginalPathAndQueryRange = pathAndQuery;
        SetNormalizedPath(pathAndQuery, pathLength);
    }

    internal void SetNormalizedPath(ByteRange pathAndQuery, int pathLength)
    {
        PathAndQueryRange = pathAndQuery;
        _pathLength = pathLength;
    }

    /// <summary>Points at an authority in the store whose grammar holds, and keeps a lower-case copy only if it differs.</summary>
    internal void BuildAuthority(ByteRange authority, int hostLength, int port)
    {
        AuthorityRange = authority;
        LowerAuthorityRange = authority;
        if (Headers.Slice(authority).IndexOfAnyInRange((byte)'A', (byte)'Z') >= 0)
        {
            Span<byte> lower = Headers.Reserved(authority.Length); // Before the slice: it may move the store.
            Ascii.ToLower(Headers.Slice(authority), lower, out _);
            LowerAuthorityRange = Headers.Commit(authority.Length);
        }

        HostRange = LowerAuthorityRange with { Length = hostLength };
        Port = port;
    }
}
