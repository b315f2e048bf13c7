using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Net;
using Lateen.Net.Tls;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Tls;

/// <summary>A compiled <c>DownstreamTlsContext</c>.</summary>
/// <remarks>Compiled and renewed on the configuration thread; read on reactors, each connection taking the context of its moment.</remarks>
internal sealed class ServerTls : DownstreamTls, ISecretUser
{
    /// <summary>Time for a handshake when the configuration sets none. Envoy has no limit then, and a client that sends nothing holds a connection for ever.</summary>
    private const long DefaultTimeoutMilliseconds = 15_000;

    private readonly TlsContextDefinition _definition;
    private readonly DownstreamTlsContext _source;
    private readonly TicketKeyring _keyring;
    private readonly TlsTicketKeys? _givenKeys;
    private readonly TimeSpan? _sessionLifetime;
    private volatile TlsServerContext? _context;

    private ServerTls(DownstreamTlsContext source, TlsContextDefinition definition, TlsTicketKeys? givenKeys, TimeSpan? sessionLifetime, TicketKeyring keyring)
    {
        _source = source;
        _definition = definition;
        _givenKeys = givenKeys;
        _sessionLifetime = sessionLifetime;
        _keyring = keyring;
        Contents = new SecretContent?[definition.Sources.Length];
    }

    public override bool IsReady => _context is not null;

    public ImmutableArray<SecretSource> Sources => _definition.Sources;

    public SecretContent?[] Contents { get; }

    /// <summary>Compiles. A context whose secrets all stand in the configuration is made at once, so that what is wrong with them is told here.</summary>
    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    public static ServerTls? Compile(DownstreamTlsContext context, FieldPath path, TlsScope scope, ConfigurationErrors errors)
    {
        var errorsBefore = errors.Count;
        var definition = new TlsContextReader(scope, errors).Read(context.CommonTlsContext, path.Field("common_tls_context"));
        if (definition.CertificateCount == 0)
            errors.Add(path.Field("common_tls_context"), "a server needs a certificate: tls_certificates or tls_certificate_sds_secret_configs");
        var lifetime = ProtoValues.Duration(context.SessionTimeout, null, path.Field("session_timeout"), errors);
        if (lifetime is { } given && (given < TimeSpan.FromSeconds(1) || given > TimeSpan.FromDays(7)))
            errors.Add(path.Field("session_timeout"), "must be from 1s to 604800s (RFC 8446 4.6.1)");
        var keys = TicketKeysOf(context, path, errors);
        if (errors.Count > errorsBefore) return null;
        var compiled = new ServerTls(context, definition, keys, lifetime, scope.TicketKeys);
        SecretUsers.MakeFromConfiguration(compiled, scope, errors);
        return errors.Count > errorsBefore ? null : compiled;
    }

    public Action? Prepare(ReadOnlySpan<SecretContent> contents, ConfigurationErrors errors)
    {
        if (!TlsContextMaker.HasRightKinds(_definition, contents, errors)) return null;
        var errorsBefore = errors.Count;
        var validation = TlsContextMaker.ValidationOf(_definition, contents);
        var options = new TlsServerOptions
        {
            Certificates = TlsContextMaker.CertificatesOf(_definition, contents),
            MinVersion = _definition.MinVersion,
            MaxVersion = _definition.MaxVersion,
            CipherSuites = _definition.CipherSuites,
            Curves = _definition.Curves,
            Alpn = _definition.Alpn,
            Verification = TlsContextMaker.VerificationOf(_definition, validation, isServer: true, errors),
            ClientCertificates = _source.RequireClientCertificate is true ? TlsClientCertificateMode.Required
                : validation is null ? TlsClientCertificateMode.None : TlsClientCertificateMode.Optional,
            RequireServerName = _source.RequireSni is true,
            TicketKeys = _givenKeys ?? _keyring.KeysFor(TlsContextMaker.DigestOf(_source, validation), _sessionLifetime),
            AllowTickets = !_source.DisableStatelessSessionResumption,
            AllowSessionIds = !_source.DisableStatefulSessionResumption,
            SessionLifetime = _sessionLifetime,
        };
        if (errors.Count > errorsBefore) return null;
        var (made, error) = TlsServerContext.Create(options);
        // The former lives until its last connection ends; to dispose of it here could meet a reactor that is about to use it.
        if (made is not null) return () => _context = made;
        var origin = TlsContextMaker.OriginOf(contents);
        errors.Add(_definition.Path, origin.Length == 0 ? error! : $"{origin}: {error}");
        return null;
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    public override async ValueTask<TlsOutcome> AcceptAsync(TransportConnection plain, long timeoutMilliseconds)
    {
        if (_context is not { } context) return TlsOutcome.NotReady;
        return TlsOutcome.Of(await TlsHandshake.AcceptAsync(plain, context, timeoutMilliseconds > 0 ? timeoutMilliseconds : DefaultTimeoutMilliseconds));
    }

    private static TlsTicketKeys? TicketKeysOf(DownstreamTlsContext context, FieldPath path, ConfigurationErrors errors)
    {
        if (context.SessionTicketKeys is not { } keys) return null;
        var keysPath = path.Field("session_ticket_keys");
        var content = SecretContent.Read(new Secret { SessionTicketKeys = keys }, keysPath, errors);
        return content is null ? null : TlsMaterial.TicketKeys(content.Message.SessionTicketKeys, keysPath, errors);
    }
}
