using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.ProxyProtocol.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Lateen.Proxy.ProxyProtocol;
using Lateen.Proxy.Tls;
using Lateen.Xds;

namespace Lateen.Proxy.Configuration;

/// <summary>Transport sockets that configuration may name: TLS, plain TCP, which is also what it gets without naming one, and to upstreams a PROXY header
/// before either.</summary>
internal static class TransportSockets
{
    private const string RawBuffer = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
    private const string DownstreamContext = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
    private const string UpstreamContext = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
    private const string ProxyProtocolTransport = "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport";

    /// <summary>The transport socket of a filter chain.</summary>
    /// <returns>Null for plain connections, and when <paramref name="errors"/> got something to say.</returns>
    public static ServerTls? CompileDownstream(TransportSocket? socket, FieldPath path, TlsScope scope, ConfigurationErrors errors)
    {
        if (IsRaw(socket)) return null;
        var configPath = path.Field("typed_config");
        if (TypeOf(socket) == DownstreamContext)
            return Unpack(socket!, DownstreamTlsContext.Parser, configPath, errors) is { } context ? ServerTls.Compile(context, configPath, scope, errors) : null;
        errors.Add(path, $"{Described(socket)} is not supported; tls with a DownstreamTlsContext and raw_buffer are");
        return null;
    }

    /// <summary>The transport socket of a cluster.</summary>
    /// <param name="socket">What the cluster names; null: nothing.</param>
    /// <param name="http">The cluster's options of HTTP, which may take server names from requests.</param>
    /// <param name="path">Where it stands.</param>
    /// <param name="scope">What it may refer to.</param>
    /// <param name="errors">Gets what is wrong.</param>
    public static UpstreamTransport CompileUpstream(
        TransportSocket? socket, UpstreamHttpProtocolOptions? http, FieldPath path, TlsScope scope, ConfigurationErrors errors)
    {
        if (TypeOf(socket) != ProxyProtocolTransport) return new UpstreamTransport(CompileTls(socket, http, path, scope, errors), null);
        var configPath = path.Field("typed_config");
        if (Unpack(socket!, ProxyProtocolUpstreamTransport.Parser, configPath, errors) is not { } outer) return default;
        if (outer.TransportSocket is null) errors.Add(configPath.Field("transport_socket"), "is required");
        var version = outer.Config?.Version == ProxyProtocolConfig.Types.Version.V2 ? ProxyProtocolVersion.V2 : ProxyProtocolVersion.V1;
        return new UpstreamTransport(CompileTls(outer.TransportSocket, http, configPath.Field("transport_socket"), scope, errors), version);
    }

    private static ClientTls? CompileTls(
        TransportSocket? socket, UpstreamHttpProtocolOptions? http, FieldPath path, TlsScope scope, ConfigurationErrors errors)
    {
        if (IsRaw(socket)) return null;
        var configPath = path.Field("typed_config");
        if (TypeOf(socket) == UpstreamContext)
            return Unpack(socket!, UpstreamTlsContext.Parser, configPath, errors) is { } context ? ClientTls.Compile(context, http, configPath, scope, errors) : null;
        errors.Add(path, $"{Described(socket)} is not supported; tls with an UpstreamTlsContext, upstream_proxy_protocol and raw_buffer are");
        return null;
    }

    private static bool IsRaw(TransportSocket? socket) =>
        socket is null || (socket.TypedConfig is null && socket.Name == "envoy.transport_sockets.raw_buffer") || TypeOf(socket) == RawBuffer;

    private static string TypeOf(TransportSocket? socket) => XdsTypeRegistry.TypeNameOf(socket?.TypedConfig?.TypeUrl ?? string.Empty);

    private static string Described(TransportSocket? socket) => $"the transport socket '{socket?.Name}' of type '{socket?.TypedConfig?.TypeUrl}'";

    private static T? Unpack<T>(TransportSocket socket, MessageParser<T> parser, FieldPath path, ConfigurationErrors errors)
        where T : class, IMessage<T>
    {
        try
        {
            return parser.ParseFrom(socket.TypedConfig.Value);
        }
        catch (InvalidProtocolBufferException fault)
        {
            errors.Add(path, $"is not a valid message: {fault.Message}");
            return null;
        }
    }
}

/// <summary>What stands between a cluster's connections and the bytes of their protocol.</summary>
/// <param name="Tls">Null: plain.</param>
/// <param name="ProxyProtocol">The PROXY header that opens every connection; null: none.</param>
internal readonly record struct UpstreamTransport(ClientTls? Tls, ProxyProtocolVersion? ProxyProtocol);
