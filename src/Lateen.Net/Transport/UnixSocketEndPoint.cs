using System.Net;
using System.Net.Sockets;

namespace Lateen.Net;

/// <summary>
/// Address of a unix-domain stream socket: a path in the file system, or a name in Linux's abstract namespace (unix(7)), which needs no
/// file and vanishes with its socket. Envoy writes it as a Pipe address, abstract when the path begins with '@'.
/// </summary>
/// <remarks>Immutable. At most 107 bytes of UTF-8; longer ones are refused when bound or connected, as an invalid address.</remarks>
public sealed class UnixSocketEndPoint(string path, bool isAbstract = false) : EndPoint, IEquatable<UnixSocketEndPoint>
{
    /// <summary>What a client that did not bind shows as its address.</summary>
    public static UnixSocketEndPoint Unnamed { get; } = new("");

    /// <summary>The path, or the abstract name without its '@'.</summary>
    public string Path { get; } = path;

    public bool IsAbstract { get; } = isAbstract;

    public override AddressFamily AddressFamily => AddressFamily.Unix;

    /// <summary>Reads Envoy's way to write it: <c>@name</c> is abstract, all else is a path.</summary>
    public static UnixSocketEndPoint Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.StartsWith('@') ? new UnixSocketEndPoint(text[1..], isAbstract: true) : new UnixSocketEndPoint(text);
    }

    public bool Equals(UnixSocketEndPoint? other) => other is not null && other.Path == Path && other.IsAbstract == IsAbstract;

    public override bool Equals(object? obj) => Equals(obj as UnixSocketEndPoint);

    public override int GetHashCode() => HashCode.Combine(Path, IsAbstract);

    public override string ToString() => IsAbstract ? "@" + Path : Path;
}
