using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Net.Tls;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Identity;

namespace Lateen.Proxy.Tls;

/// <summary>Reads a <c>CommonTlsContext</c>: everything of it that does not need the secrets themselves.</summary>
internal sealed class TlsContextReader(TlsScope scope, ConfigurationErrors errors)
{
    public TlsContextDefinition Read(CommonTlsContext? context, FieldPath path)
    {
        context ??= new CommonTlsContext();
        var sources = ImmutableArray.CreateBuilder<SecretSource>();
        ReadCertificates(context, path, sources);
        var certificates = sources.Count;
        if (ReadValidation(context, path) is { } validation) sources.Add(validation);
        var parameters = context.TlsParams ?? new TlsParameters();
        var parametersPath = path.Field("tls_params");
        var definition = new TlsContextDefinition
        {
            Path = path,
            Sources = sources.DrainToImmutable(),
            CertificateCount = certificates,
            DefaultValidation = context.CombinedValidationContext?.DefaultValidationContext,
            TrustDomain = scope.TrustDomain() ?? string.Empty,
            MinVersion = VersionOf(parameters.TlsMinimumProtocolVersion, TlsVersion.Tls12, parametersPath.Field("tls_minimum_protocol_version")),

            // Envoy's clients stop at TLS 1.2 unless told otherwise. There is no reason left for that: who wants it says so.
            MaxVersion = VersionOf(parameters.TlsMaximumProtocolVersion, TlsVersion.Tls13, parametersPath.Field("tls_maximum_protocol_version")),
            CipherSuites = [.. parameters.CipherSuites],
            Curves = [.. parameters.EcdhCurves],
            Alpn = ProtocolsOf(context, path.Field("alpn_protocols")),
        };
        if (definition.MinVersion > definition.MaxVersion)
            errors.Add(parametersPath, "tls_minimum_protocol_version is above tls_maximum_protocol_version");
        return definition;
    }

    private void ReadCertificates(CommonTlsContext context, FieldPath path, ImmutableArray<SecretSource>.Builder sources)
    {
        for (var i = 0; i < context.TlsCertificates.Count; i++)
        {
            var certificatePath = path.Field("tls_certificates").At(i);
            if (context.TlsCertificates[i].CertificateChain is null) errors.Add(certificatePath.Field("certificate_chain"), "is required");
            if (context.TlsCertificates[i].PrivateKey is null) errors.Add(certificatePath.Field("private_key"), "is required");
            sources.Add(SecretSource.Within(new Secret { TlsCertificate = context.TlsCertificates[i] }, certificatePath));
        }

        var configs = context.TlsCertificateSdsSecretConfigs;
        var configsPath = path.Field("tls_certificate_sds_secret_configs");
        if (configs.Count > 0 && context.TlsCertificates.Count > 0) errors.Add(configsPath, "cannot stand beside tls_certificates");
        for (var i = 0; i < configs.Count; i++)
        {
            if (ReadReference(configs[i], Secret.TypeOneofCase.TlsCertificate, configsPath.At(i)) is { } source) sources.Add(source);
        }
    }

    private SecretSource? ReadValidation(CommonTlsContext context, FieldPath path)
    {
        switch (context.ValidationContextTypeCase)
        {
            case CommonTlsContext.ValidationContextTypeOneofCase.ValidationContext:
                return SecretSource.Within(new Secret { ValidationContext = context.ValidationContext }, path.Field("validation_context"));
            case CommonTlsContext.ValidationContextTypeOneofCase.ValidationContextSdsSecretConfig:
                return ReadReference(
                    context.ValidationContextSdsSecretConfig, Secret.TypeOneofCase.ValidationContext, path.Field("validation_context_sds_secret_config"));
            case CommonTlsContext.ValidationContextTypeOneofCase.CombinedValidationContext:
                var combinedPath = path.Field("combined_validation_context");
                var referencePath = combinedPath.Field("validation_context_sds_secret_config");
                CheckDefault(context.CombinedValidationContext.DefaultValidationContext, combinedPath.Field("default_validation_context"));
                if (context.CombinedValidationContext.ValidationContextSdsSecretConfig is { } config)
                    return ReadReference(config, Secret.TypeOneofCase.ValidationContext, referencePath);
                errors.Add(referencePath, "is required");
                return null;
            default:
                return null;
        }
    }

    /// <summary>Files of a default context would have to be watched apart from the secret that completes it.</summary>
    private void CheckDefault(CertificateValidationContext? context, FieldPath path)
    {
        if (context is null) return;
        if (context.TrustedCa is { SpecifierCase: DataSource.SpecifierOneofCase.Filename })
            errors.Add(path.Field("trusted_ca").Field("filename"), "is not supported here; give the file in the secret, or the bytes inline");
        if (context.Crl is { SpecifierCase: DataSource.SpecifierOneofCase.Filename })
            errors.Add(path.Field("crl").Field("filename"), "is not supported here; give the file in the secret, or the bytes inline");
        if (context.WatchedDirectory is not null) errors.Add(path.Field("watched_directory"), "is not supported here: there is no file to watch");
    }

    private SecretSource? ReadReference(SdsSecretConfig config, Secret.TypeOneofCase kind, FieldPath path)
    {
        if (config.Name.Length == 0)
        {
            errors.Add(path.Field("name"), "is required");
            return null;
        }

        if (config.SdsConfig is not { } source)
        {
            var isThere = scope.StaticSecret(config.Name);
            if (isThere is null)
                errors.Add(path.Field("name"), $"there is no static secret '{config.Name}'; one that the control plane sends needs an sds_config");
            else if (isThere.Message.TypeCase != kind)
                errors.Add(path.Field("name"), $"the static secret '{config.Name}' is a {SecretKinds.NameOf(isThere.Message.TypeCase)}, a {SecretKinds.NameOf(kind)} is needed");
            return SecretSource.Static(config.Name, kind, path);
        }

        var isOwn = IsOwnIdentity(source);
        if (isOwn) CheckIdentity(config.Name, kind, source, path);
        else CheckSource(source, path.Field("sds_config"));
        var patience = ProtoValues.Timeout(
            source.InitialFetchTimeout, ClusterDefinition.DefaultInitialFetchTimeout, path.Field("sds_config").Field("initial_fetch_timeout"), errors);
        return isOwn ? SecretSource.OfIdentity(config.Name, kind, patience, path) : SecretSource.Discovered(config.Name, kind, patience, path);
    }

    /// <summary>Istio's sidecars ask their own agent under this name; here the proxy is its own agent.</summary>
    private bool IsOwnIdentity(ConfigSource source) =>
        source.ApiConfigSource?.GrpcServices is [{ EnvoyGrpc: { } grpc }] && grpc.ClusterName == IdentitySecrets.Cluster && grpc.ClusterName != scope.ControlPlaneCluster();

    private void CheckIdentity(string name, Secret.TypeOneofCase kind, ConfigSource source, FieldPath path)
    {
        var api = source.ApiConfigSource;
        var apiPath = path.Field("sds_config").Field("api_config_source");
        if (scope.TrustDomain() is null)
        {
            errors.Add(apiPath.Field("grpc_services").At(0).Field("envoy_grpc").Field("cluster_name"),
                $"'{IdentitySecrets.Cluster}' is the proxy's own identity, and it has none: bootstrap_extensions holds no lateen.identity.v1.WorkloadIdentity");
            return;
        }

        if (api.ApiType is not (ApiConfigSource.Types.ApiType.Grpc or ApiConfigSource.Types.ApiType.DeltaGrpc))
            errors.Add(apiPath.Field("api_type"), $"{api.ApiType} is not supported; use GRPC or DELTA_GRPC");
        if (api.TransportApiVersion != ApiVersion.V3) errors.Add(apiPath.Field("transport_api_version"), "must be V3");
        var given = IdentitySecrets.KindOf(name);
        if (given is null)
            errors.Add(path.Field("name"), $"the proxy's own identity has the secrets '{IdentitySecrets.Certificate}' and '{IdentitySecrets.Roots}', not '{name}'");
        else if (given != kind)
            errors.Add(path.Field("name"), $"the secret '{name}' is a {SecretKinds.NameOf(given.Value)}, a {SecretKinds.NameOf(kind)} is needed");
    }

    private void CheckSource(ConfigSource source, FieldPath path)
    {
        var plane = scope.ControlPlaneCluster();
        switch (source.ConfigSourceSpecifierCase)
        {
            case ConfigSource.ConfigSourceSpecifierOneofCase.Ads when plane is null:
                errors.Add(path, "the secret should come over ADS, but dynamic_resources.ads_config is not set");
                break;
            case ConfigSource.ConfigSourceSpecifierOneofCase.Ads:
                break;
            case ConfigSource.ConfigSourceSpecifierOneofCase.ApiConfigSource
                when plane is not null && source.ApiConfigSource.GrpcServices is [{ EnvoyGrpc: { } grpc }] && grpc.ClusterName == plane:
                break;
            case ConfigSource.ConfigSourceSpecifierOneofCase.ApiConfigSource:
                errors.Add(path.Field("api_config_source"), "secrets come from the control plane of dynamic_resources.ads_config only: name its cluster, or say 'ads: {}'");
                break;
            default:
                errors.Add(path, "only 'ads: {}', an api_config_source of the same control plane and one of 'sds-grpc' are supported");
                break;
        }
    }

    private TlsVersion VersionOf(TlsParameters.Types.TlsProtocol protocol, TlsVersion automatic, FieldPath path)
    {
        switch (protocol)
        {
            case TlsParameters.Types.TlsProtocol.TlsAuto: return automatic;
            case TlsParameters.Types.TlsProtocol.Tlsv12: return TlsVersion.Tls12;
            case TlsParameters.Types.TlsProtocol.Tlsv13: return TlsVersion.Tls13;
            default:
                errors.Add(path, "only TLSv1_2 and TLSv1_3 are spoken (RFC 8996 forbids the older ones)");
                return automatic;
        }
    }

    private ImmutableArray<AlpnProtocol> ProtocolsOf(CommonTlsContext context, FieldPath path)
    {
        var protocols = ImmutableArray.CreateBuilder<AlpnProtocol>(context.AlpnProtocols.Count);
        for (var i = 0; i < context.AlpnProtocols.Count; i++)
        {
            var name = context.AlpnProtocols[i];
            if (name.Length is > 0 and <= AlpnProtocol.MaxBytes) protocols.Add(AlpnProtocol.Get(name));
            else errors.Add(path.At(i), $"must have 1 to {AlpnProtocol.MaxBytes} octets (RFC 7301 3.1)");
        }

        return protocols.DrainToImmutable();
    }
}
