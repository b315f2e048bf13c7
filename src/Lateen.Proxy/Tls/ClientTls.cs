using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Net;
using Lateen.Net.Tls;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Tls;

/// <summary>A compiled <c>UpstreamTlsContext</c>.</summary>
/// <remarks>Compiled and renewed on the configuration thread; read on reactors, each connection taking the context of its moment.</remarks>
internal sealed class ClientTls : UpstreamTls, ISecretUser
{
    /// <summary>Sessions kept for resumption when the configuration does not say. Envoy's default.</summary>
    private const uint DefaultMaxSessions = 1;

    /// <summary>Most sessions that a context keeps.</summary>
    private const uint MostSessions = 4096;

    private readonly TlsContextDefinition _definition;
    private readonly UpstreamTlsContext _source;
    private readonly UpstreamNaming _naming;
    private volatile TlsClientContext? _context;

    private ClientTls(UpstreamTlsContext source, TlsContextDefinition definition, UpstreamNaming naming)
    {
        _source = source;
        _definition = definition;
        _naming = naming;
        Contents = new SecretContent?[definition.Sources.Length];
    }

    public override bool IsReady => _context is not null;

    public override bool UsesRequestHost => _naming.UsesRequestHost;

    public ImmutableArray<SecretSource> Sources => _definition.Sources;

    public SecretContent?[] Contents { get; }

    /// <summary>As it was configured.</summary>
    public UpstreamTlsContext Source => _source;

    /// <summary>Not every server whose certificate is trusted is taken for the right one.</summary>
    public bool VerifiesNames => (_naming.VerifiesName && (_naming.Fixed is not null || _naming.FromEndpoint)) || _definition.NamesSubjects;

    /// <summary>Compiles. A context whose secrets all stand in the configuration is made at once, so that what is wrong with them is told here.</summary>
    /// <param name="context">The transport socket's configuration.</param>
    /// <param name="http">The cluster's <c>upstream_http_protocol_options</c>: names taken from each request; null: none are.</param>
    /// <param name="path">Where the context stands.</param>
    /// <param name="scope">What it may refer to.</param>
    /// <param name="errors">Gets what is wrong.</param>
    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    public static ClientTls? Compile(
        UpstreamTlsContext context, Envoy.Config.Core.V3.UpstreamHttpProtocolOptions? http, FieldPath path, TlsScope scope, ConfigurationErrors errors)
    {
        var errorsBefore = errors.Count;
        var definition = new TlsContextReader(scope, errors).Read(context.CommonTlsContext, path.Field("common_tls_context"));
        if (context.Sni.Length > 255) errors.Add(path.Field("sni"), "must not be longer than 255 octets");
        if (context.MaxSessionKeys > MostSessions) errors.Add(path.Field("max_session_keys"), $"{context.MaxSessionKeys} is too much, at most {MostSessions}");
        if (context.AutoSniSanValidation && http is { AutoSanValidation: true })
            errors.Add(path.Field("auto_sni_san_validation"), "says the same as auto_san_validation of the cluster's HTTP options; give one of them");
        var naming = new UpstreamNaming(
            context.Sni.Length > 0 ? context.Sni : null, context.AutoHostSni, http?.AutoSni ?? false,
            context.AutoSniSanValidation || (http?.AutoSanValidation ?? false));
        if (naming.VerifiesName && !definition.HasValidation)
            errors.Add(path, "the server's name is verified only with a validation context that has trusted_ca or system_root_certs");
        if (errors.Count > errorsBefore) return null;
        var compiled = new ClientTls(context, definition, naming);
        SecretUsers.MakeFromConfiguration(compiled, scope, errors);
        return errors.Count > errorsBefore ? null : compiled;
    }

    public Action? Prepare(ReadOnlySpan<SecretContent> contents, ConfigurationErrors errors)
    {
        if (!TlsContextMaker.HasRightKinds(_definition, contents, errors)) return null;
        var errorsBefore = errors.Count;
        var validation = TlsContextMaker.ValidationOf(_definition, contents);
        var options = new TlsClientOptions
        {
            Certificates = TlsContextMaker.CertificatesOf(_definition, contents),
            MinVersion = _definition.MinVersion,
            MaxVersion = _definition.MaxVersion,
            CipherSuites = _definition.CipherSuites,
            Curves = _definition.Curves,
            Alpn = _definition.Alpn,
            Verification = TlsContextMaker.VerificationOf(_definition, validation, isServer: false, errors),
            MaxSessions = (int)(_source.MaxSessionKeys ?? DefaultMaxSessions),
        };
        if (errors.Count > errorsBefore) return null;
        var (made, error) = TlsClientContext.Create(options);
        // The former lives until its last connection ends; to dispose of it here could meet a reactor that is about to use it.
        if (made is not null) return () => _context = made;
        var origin = TlsContextMaker.OriginOf(contents);
        errors.Add(_definition.Path, origin.Length == 0 ? error! : $"{origin}: {error}");
        return null;
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    public override async ValueTask<TlsOutcome> ConnectAsync(TransportConnection plain, EndpointSnapshot endpoint, UpstreamGreeting greeting, long timeoutMilliseconds)
    {
        if (_context is not { } context) return TlsOutcome.NotReady;
        var parameters = _naming.ParametersFor(endpoint, greeting, isAlpnFixed: _definition.Alpn.Length > 0);
        return TlsOutcome.Of(await TlsHandshake.ConnectAsync(plain, context, parameters, timeoutMilliseconds));
    }
}
