using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Lateen.Xds;

/// <summary>
/// One resource as it travels: its name, the version that identifies its content, and its bytes, unparsed, so that whoever relays or
/// compiles it decides when (and whether) to parse.
/// </summary>
/// <param name="Name">Unique within its type.</param>
/// <param name="Version">
/// Opaque; equal versions of one name mean equal content. Our server uses a hash of the content; a state-of-the-world response has one
/// version for all its resources.
/// </param>
/// <param name="Body">The serialised message: the <c>value</c> of its <see cref="Any"/>.</param>
/// <remarks>Immutable; shared by every proxy that gets the same resource.</remarks>
public sealed record XdsResource(string Name, string Version, ByteString Body)
{
    /// <summary>The resource packed for a response of type <paramref name="typeUrl"/>; the bytes are shared, not copied.</summary>
    public Any Pack(string typeUrl) => new() { TypeUrl = typeUrl, Value = Body };

    /// <summary>Parses the body. Throws <see cref="InvalidProtocolBufferException"/> when it is not a <typeparamref name="T"/>.</summary>
    public T Parse<T>(MessageParser<T> parser)
        where T : IMessage<T> => parser.ParseFrom(Body);

    /// <summary>A resource whose version is the hash of its content (<see cref="ContentVersion"/>).</summary>
    public static XdsResource FromMessage(string name, IMessage message)
    {
        ByteString body = message.ToByteString();
        return new XdsResource(name, ContentVersion.Of(body.Span), body);
    }
}

/// <summary>The two ways to speak xDS: send what changed, or send the set.</summary>
public enum XdsVariant
{
    /// <summary>Incremental (<c>DeltaAggregatedResources</c>): changed and removed resources, each with its own version.</summary>
    Delta,

    /// <summary>State of the world (<c>StreamAggregatedResources</c>): listeners and clusters come as the whole set.</summary>
    StateOfTheWorld,
}
