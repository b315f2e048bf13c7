using System.Security.Cryptography;
using Google.Protobuf;

namespace Lateen.Translation;

/// <summary>
/// One xDS resource, ready for the wire: its name, its serialised message, and a version that is a hash of the content. Equal content has an equal
/// version in every process and on every day, which is what lets a proxy that reconnects say what it holds and be sent nothing.
/// </summary>
public sealed class TranslatedResource
{
    /// <summary>Octets of the hash that make the version; 8 give one accidental clash in 10^9 changes of one resource about once in 10^10 lives.</summary>
    private const int VersionOctets = 8;

    private TranslatedResource(string name, ByteString message, string version)
    {
        Name = name;
        Message = message;
        Version = version;
    }

    public string Name { get; }

    /// <summary>The serialised message: the value of the Any that carries it.</summary>
    public ByteString Message { get; }

    /// <summary>16 hexadecimal digits.</summary>
    public string Version { get; }

    public static TranslatedResource Of(string name, IMessage message)
    {
        var bytes = message.ToByteString();
        return new TranslatedResource(name, bytes, VersionOf(bytes.Span));
    }

    /// <summary>A resource that was put together from serialised parts; <paramref name="digest"/> identifies its content.</summary>
    internal static TranslatedResource OfParts(string name, ByteString message, ReadOnlySpan<byte> digest) => new(name, message, VersionOf(digest));

    private static string VersionOf(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        return Convert.ToHexStringLower(hash[..VersionOctets]);
    }

    public override string ToString() => $"{Name}@{Version}";
}
