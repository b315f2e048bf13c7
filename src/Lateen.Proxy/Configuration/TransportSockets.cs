using System.Collections.Frozen;
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
    private const string Tls = "envoy.extensions.transport_sockets.tls.v3.";
    private const string RawBuffer = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
    private const string DownstreamContext = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
    private const string UpstreamContext = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
    private const string ProxyProtocolTransport = "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport";

    /// <summary>Fields of TLS contexts and secrets that Envoy has and this proxy has not, so that a refusal can name them.</summary>
    public static readonly FrozenDictionary<(string Type, int Number), string> KnownElsewhere = new Dictionary<(string, int), string>
    {
        [(Tls + "TlsParameters", 5)] = "signature_algorithms",
        [(Tls + "TlsParameters", 6)] = "compliance_policies",
        [(Tls + "TlsCertificate", 4)] = "ocsp_staple",
        [(Tls + "TlsCertificate", 5)] = "signed_certificate_timestamp",
        [(Tls + "TlsCertificate", 6)] = "private_key_provider",
        [(Tls + "TlsCertificate", 8)] = "pkcs12",
        [(Tls + "CertificateValidationContext", 6)] = "require_signed_certificate_timestamp",
        [(Tls + "CertificateValidationContext", 12)] = "custom_validator_config",
        [(Tls + "CertificateValidationContext", 13)] = "ca_certificate_provider_instance",
        [(Tls + "CommonTlsContext", 13)] = "custom_handshaker",
        [(Tls + "CommonTlsContext", 14)] = "tls_certificate_provider_instance",
        [(Tls + "CommonTlsContext", 15)] = "key_log",
        [(Tls + "CommonTlsContext", 16)] = "custom_tls_certificate_selector",
        [(Tls + "UpstreamTlsContext", 3)] = "allow_renegotiation",
        [(Tls + "UpstreamTlsContext", 5)] = "enforce_rsa_key_usage",
        [(Tls + "DownstreamTlsContext", 5)] = "session_ticket_keys_sds_secret_config",
        [(Tls + "DownstreamTlsContext", 8)] = "ocsp_staple_policy",
        [(Tls + "DownstreamTlsContext", 9)] = "full_scan_certs_on_sni_mismatch",
        [(Tls + "DownstreamTlsContext", 11)] = "prefer_client_ciphers",
        [(Tls + "Secret", 5)] = "generic_secret",
    }.ToFrozenDictionary();

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

    // What is not understood in a context guards something: a validator, a policy of revocation, a kind of signature.
    private static T? Unpack<T>(TransportSocket socket, MessageParser<T> parser, FieldPath path, ConfigurationErrors errors)
        where T : class, IMessage<T> => ExtensionMessages.TryParse(parser, socket.TypedConfig, path, errors, KnownElsewhere);
}

/// <summary>What stands between a cluster's connections and the bytes of their protocol.</summary>
/// <param name="Tls">Null: plain.</param>
/// <param name="ProxyProtocol">The PROXY header that opens every connection; null: none.</param>
internal readonly record struct UpstreamTransport(ClientTls? Tls, ProxyProtocolVersion? ProxyProtocol);
