using System.Security.Cryptography;
using System.Text;

namespace Lateen.Xds;

/// <summary>
/// Versions made of content: equal bytes give an equal version on every control plane and after every restart, so that a proxy that
/// reconnects, to whichever server, is sent only what differs.
/// </summary>
/// <remarks>
/// The first 96 bits of SHA-256, in hexadecimal. Collisions must not happen by chance among millions of resources, nor by the intent of
/// someone who writes a VirtualService; 12 bytes give both and keep the table of versions small.
/// </remarks>
public static class ContentVersion
{
    private const int Bytes = 12;

    public static string Of(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        return Convert.ToHexStringLower(hash[..Bytes]);
    }

    /// <summary>The version of a set: of its names and versions, whatever the order they come in.</summary>
    public static string OfSet(IEnumerable<XdsResource> resources)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (XdsResource resource in resources.OrderBy(static resource => resource.Name, StringComparer.Ordinal))
        {
            // Neither part may hold a line feed that shifts the boundary: a name is hashed with its length before it.
            hash.AppendData(Encoding.UTF8.GetBytes($"{resource.Name.Length}:{resource.Name}={resource.Version}\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, Bytes));
    }
}
