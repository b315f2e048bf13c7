using System.Collections.Immutable;
using System.Security.Cryptography;
using Envoy.Config.Route.V3;
using Google.Protobuf;
using Lateen.Xds;

namespace Lateen.Translation.Routing;

/// <summary>
/// A virtual host that is serialised already, as the field of a RouteConfiguration that it will be, and a digest of it. Immutable.
/// </summary>
internal sealed class SerializedVirtualHost
{
    /// <summary>Field 2, wire type 2 (length-delimited): <c>repeated VirtualHost virtual_hosts = 2</c>.</summary>
    private const byte VirtualHostsTag = (2 << 3) | 2;

    private SerializedVirtualHost(string name, ImmutableArray<string> domains, byte[] field, byte[] digest)
    {
        Name = name;
        Domains = domains;
        Field = field;
        Digest = digest;
    }

    public string Name { get; }

    public ImmutableArray<string> Domains { get; }

    /// <summary>Tag, length and message.</summary>
    public ReadOnlyMemory<byte> Field { get; }

    public ReadOnlyMemory<byte> Digest { get; }

    public static SerializedVirtualHost Of(VirtualHost host)
    {
        int size = host.CalculateSize();
        byte[] field = new byte[1 + CodedOutputStream.ComputeLengthSize(size) + size];
        using (var output = new CodedOutputStream(field))
        {
            output.WriteRawTag(VirtualHostsTag);
            output.WriteMessage(host);
            output.CheckNoSpaceLeft();
        }

        return new SerializedVirtualHost(host.Name, [.. host.Domains], field, SHA256.HashData(field));
    }
}

/// <summary>
/// Puts a RouteConfiguration together from its serialised virtual hosts. A mesh of two thousand services has one table of two thousand virtual hosts;
/// when one changes, the others are copied as bytes and never serialised again, and the version is a hash of their digests.
/// </summary>
internal static class RouteTables
{
    /// <summary>A virtual host whose name is taken is left out, and a domain that is taken is too: the first has it (Istio's rule), and Envoy
    /// would refuse the whole table over one twice.</summary>
    public static XdsResource Of(string name, IReadOnlyList<SerializedVirtualHost> hosts, RouteConfiguration settings)
    {
        settings.Name = name;
        byte[] head = settings.ToByteArray();
        int size = head.Length;
        foreach (var host in hosts) size += host.Field.Length;

        // Megabytes that are written over at once need not be cleared first.
        byte[] message = GC.AllocateUninitializedArray<byte>(size);
        head.CopyTo(message, 0);
        int at = head.Length;
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        digest.AppendData(head);
        foreach (var host in hosts)
        {
            host.Field.Span.CopyTo(message.AsSpan(at));
            at += host.Field.Length;
            digest.AppendData(host.Digest.Span);
        }

        return new XdsResource(name, ContentVersion.Of(digest.GetHashAndReset()), UnsafeByteOperations.UnsafeWrap(message));
    }
}
