namespace Lateen.Model.Networking;

/// <summary>What is spoken on a port, as far as its declaration says.</summary>
public enum PortProtocol
{
    /// <summary>Nothing usable was declared: the proxy looks at the first bytes.</summary>
    Unsupported = 0,
    Tcp,
    Udp,
    Grpc,
    GrpcWeb,
    Http,
    HttpProxy,
    Http2,

    /// <summary>TLS that a sidecar passes through unopened, as <see cref="Tls"/>.</summary>
    Https,
    Tls,
    Mongo,
    Redis,
    MySql,
}

/// <summary>Groups of protocols that routing treats alike.</summary>
public static class PortProtocols
{
    /// <summary>True for cleartext HTTP of any version, gRPC included: <c>http</c> routes of a VirtualService apply.</summary>
    public static bool IsHttp(this PortProtocol protocol) =>
        protocol is PortProtocol.Http or PortProtocol.Http2 or PortProtocol.Grpc or PortProtocol.GrpcWeb or PortProtocol.HttpProxy;

    /// <summary>True when HTTP/2 is spoken to the upstream.</summary>
    public static bool IsHttp2(this PortProtocol protocol) =>
        protocol is PortProtocol.Http2 or PortProtocol.Grpc or PortProtocol.GrpcWeb;

    /// <summary>True for what proxies carry: whatever runs over TCP.</summary>
    public static bool IsServed(PortProtocol protocol) => protocol != PortProtocol.Udp;

    internal static string NotServed(PortProtocol protocol) =>
        $"the protocol {ProtocolSelection.NameOf(protocol).ToUpperInvariant()} is valid, but proxies carry TCP alone";

    /// <summary>True for TLS that is not opened here.</summary>
    public static bool IsTls(this PortProtocol protocol) => protocol is PortProtocol.Https or PortProtocol.Tls;
}
