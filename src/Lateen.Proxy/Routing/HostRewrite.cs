using System.Text;
using Lateen.Http;

namespace Lateen.Proxy.Routing;

/// <summary>How a route sets the Host that goes upstream (<c>host_rewrite_specifier</c>).</summary>
/// <remarks>Immutable.</remarks>
internal abstract class HostRewrite
{
    /// <summary>Appends the new authority; nothing when the host stays as it is.</summary>
    /// <remarks><paramref name="path"/>: Path without query, before it is rewritten.</remarks>
    public abstract void Write(HttpRequestHead request, ReadOnlySpan<byte> path, ref ByteBuilder output);
}

/// <summary>A fixed name.</summary>
internal sealed class LiteralHostRewrite(string host) : HostRewrite
{
    private readonly byte[] _host = Encoding.UTF8.GetBytes(host);

    public override void Write(HttpRequestHead request, ReadOnlySpan<byte> path, ref ByteBuilder output) => output.Append(_host);
}

/// <summary>The value of a request header, when it is there and not empty.</summary>
internal sealed class HeaderHostRewrite(HeaderName header) : HostRewrite
{
    public override void Write(HttpRequestHead request, ReadOnlySpan<byte> path, ref ByteBuilder output)
    {
        if (request.Headers.TryGet(header, out var value)) output.Append(value);
    }
}

/// <summary>What an expression makes of the path (<c>host_rewrite_path_regex</c>).</summary>
internal sealed class PathHostRewrite(RegexRewrite rewrite) : HostRewrite
{
    public override void Write(HttpRequestHead request, ReadOnlySpan<byte> path, ref ByteBuilder output) => output.Append(rewrite.Apply(path));
}
