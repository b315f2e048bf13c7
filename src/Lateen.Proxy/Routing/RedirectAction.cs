using System.Text;
using Lateen.Http;

namespace Lateen.Proxy.Routing;

/// <summary>Answers with a redirect (<c>RedirectAction</c>).</summary>
/// <remarks>Immutable.</remarks>
public sealed class RedirectAction : RouteAction
{
    private const int LocationBytesOnStack = 512;

    private readonly byte[] _host = [];
    private readonly byte[] _path = [];

    internal RedirectAction()
    {
    }

    /// <summary>To the same place under https, as <c>require_tls</c> asks.</summary>
    internal static readonly RedirectAction ToHttps = new() { Scheme = "https"u8.ToArray() };

    /// <summary>301, 302, 303, 307 or 308.</summary>
    public int Status { get; internal init; } = 301;

    /// <summary>The new scheme; null: the request's.</summary>
    internal byte[]? Scheme { get; init; }

    /// <summary>The new host, port included; empty: the request's.</summary>
    internal string Host
    {
        init => _host = Encoding.UTF8.GetBytes(value);
    }

    /// <summary>0: none.</summary>
    internal uint Port { get; init; }

    /// <summary>The whole new path, with a query or without; empty: the request's, or <see cref="Rewrite"/>.</summary>
    internal string Path
    {
        init => _path = Encoding.UTF8.GetBytes(value);
    }

    internal PathRewrite? Rewrite { get; init; }

    internal bool StripQuery { get; init; }

    /// <summary>Sets <c>location</c>, built from the request as Envoy builds it.</summary>
    public void SetLocation(HttpRequestHead request, HeaderBlock response)
    {
        var location = new ByteBuilder(stackalloc byte[LocationBytesOnStack]);
        Write(request, ref location);
        response.Set(KnownHeader.Location, location.Written);
        location.Dispose();
    }

    private void Write(HttpRequestHead request, ref ByteBuilder location)
    {
        var formerScheme = request.Scheme == RequestScheme.Https ? "https"u8 : "http"u8;
        var scheme = Scheme is null ? formerScheme : Scheme;
        location.Append(scheme);
        location.Append("://"u8);
        location.Append(_host.Length > 0 ? _host : HostOf(request, isNewScheme: !scheme.SequenceEqual(formerScheme)));
        if (Port != 0)
        {
            location.Append((byte)':');
            location.AppendNumber(Port);
        }

        WritePath(request, ref location);
    }

    // The default port of the former scheme says nothing under a new one, and a new port replaces any.
    private ReadOnlySpan<byte> HostOf(HttpRequestHead request, bool isNewScheme)
    {
        if (request.Port < 0) return request.Authority;
        var isFormerDefault = request.Port == (request.Scheme == RequestScheme.Https ? 443 : 80);
        return Port != 0 || (isNewScheme && isFormerDefault) ? request.Authority[..request.Host.Length] : request.Authority;
    }

    private void WritePath(HttpRequestHead request, ref ByteBuilder location)
    {
        var hasOwnQuery = false;
        if (_path.Length > 0)
        {
            location.Append(_path);
            hasOwnQuery = _path.AsSpan().Contains((byte)'?');
        }
        else if (Rewrite is not null)
        {
            var rewritten = new ByteBuilder(stackalloc byte[LocationBytesOnStack]);
            Rewrite.Write(request.Path, ref rewritten);
            location.Append(rewritten.Written);
            rewritten.Dispose();
        }
        else
        {
            location.Append(request.Path);
        }

        if (StripQuery || hasOwnQuery || !request.HasQuery) return;
        location.Append((byte)'?');
        location.Append(request.Query);
    }
}
