using Envoy.Config.Core.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Duration = Google.Protobuf.WellKnownTypes.Duration;

namespace Lateen.Translation;

/// <summary>The small messages that every resource is built of.</summary>
internal static class Messages
{
    public static readonly Duration Zero = new();

    public static Duration Of(TimeSpan span) => Duration.FromTimeSpan(span);

    public static Any Pack(IMessage message) => Any.Pack(message);

    /// <summary>An IP address and a port, or the path of a unix socket.</summary>
    public static Address Socket(string address, int port) => address.StartsWith('/')
        ? new Address { Pipe = new Pipe { Path = address } }
        : new Address { SocketAddress = new SocketAddress { Address = address, PortValue = (uint)port } };

    /// <summary>"Ask the same stream that you got this from", without a time limit on the first answer: Istio's choice, since a proxy that
    /// went on without its endpoints would answer 503 where waiting answers 200.</summary>
    public static ConfigSource Aggregated() => new()
    {
        Ads = new AggregatedConfigSource(),
        InitialFetchTimeout = Zero,
        ResourceApiVersion = ApiVersion.V3,
    };

    /// <summary>Metadata that names the resource from which something was made, for people who look at it.</summary>
    public static Metadata Origin(string path) => Istio(new Struct { Fields = { ["config"] = Value.ForString(path) } });

    /// <summary>Metadata under the <c>istio</c> key.</summary>
    public static Metadata Istio(Struct fields) => new() { FilterMetadata = { ["istio"] = fields } };
}
