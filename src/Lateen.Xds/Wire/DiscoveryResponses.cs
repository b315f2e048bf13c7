using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Lateen.Xds.Wire;

/// <summary>
/// Reads discovery responses without copying large resources out of them: a route table of two thousand services has megabytes, comes whole with
/// every change, and a copy of it would cost the proxy a collection of all its memory every few changes.
/// </summary>
public static class DiscoveryResponses
{
    /// <summary>
    /// From this size on, in octets, a resource shares the memory of its message. Smaller ones are copied: of a message of many, the one that is
    /// still in use would keep all the others alive.
    /// </summary>
    private const int SharedFrom = 64 * 1024;

    /// <summary>The method as it is, but for how its responses are read, where they are of a discovery service.</summary>
    public static Method<TRequest, TResponse> ReadInPlace<TRequest, TResponse>(Method<TRequest, TResponse> method)
    {
        ArgumentNullException.ThrowIfNull(method);
        return method is Method<TRequest, DeltaDiscoveryResponse> delta
            ? (Method<TRequest, TResponse>)(object)new Method<TRequest, DeltaDiscoveryResponse>(
                delta.Type, delta.ServiceName, delta.Name, delta.RequestMarshaller,
                new Marshaller<DeltaDiscoveryResponse>(delta.ResponseMarshaller.ContextualSerializer, static message => Parse(message.PayloadAsNewBuffer())))
            : method;
    }

    /// <summary>The message of these octets, which must not change any more.</summary>
    /// <exception cref="InvalidProtocolBufferException">They are no such message.</exception>
    public static DeltaDiscoveryResponse Parse(ReadOnlyMemory<byte> octets)
    {
        if (octets.Length < SharedFrom) return DeltaDiscoveryResponse.Parser.ParseFrom(octets.Span);
        var (response, resources) = Cut(octets, DeltaDiscoveryResponse.ResourcesFieldNumber, DeltaDiscoveryResponse.Parser);
        foreach (var resource in resources) response.Resources.Add(Resource(resource));
        return response;
    }

    private static Resource Resource(ReadOnlyMemory<byte> octets)
    {
        if (octets.Length < SharedFrom) return Envoy.Service.Discovery.V3.Resource.Parser.ParseFrom(octets.Span);
        var (resource, bodies) = Cut(octets, Envoy.Service.Discovery.V3.Resource.Resource_FieldNumber, Envoy.Service.Discovery.V3.Resource.Parser);
        // A message field that stands there more than once is merged (protobuf.dev/programming-guides/encoding); nobody writes that.
        if (bodies is not [var body]) return Envoy.Service.Discovery.V3.Resource.Parser.ParseFrom(octets.Span);
        var (any, values) = Cut(body, Any.ValueFieldNumber, Any.Parser);
        if (values.Count > 0) any.Value = UnsafeByteOperations.UnsafeWrap(values[^1]);
        resource.Resource_ = any;
        return resource;
    }

    private static (TMessage Other, List<ReadOnlyMemory<byte>> Pieces) Cut<TMessage>(ReadOnlyMemory<byte> octets, int field, MessageParser<TMessage> parser)
        where TMessage : IMessage<TMessage>
    {
        var pieces = new List<ReadOnlyMemory<byte>>();
        using var rest = new MemoryStream();
        // The parser proper says what is wrong with octets that cannot be cut.
        return WireFields.TryCut(octets, field, pieces, rest) ? (parser.ParseFrom(rest.ToArray()), pieces) : (parser.ParseFrom(octets.Span), []);
    }
}
