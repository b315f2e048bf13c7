using System.Collections.Immutable;
using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Routing;
using Lateen.Telemetry.AccessLogs;
using Config = Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthz;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>Compiles <c>envoy.filters.http.ext_authz</c>.</summary>
public sealed class ExtAuthzCompiler : IExtensionCompiler, IRouteFilterCompiler
{
    /// <summary>Content that may be gathered for a service. Octets; each request that waits may hold as much.</summary>
    public const uint MaxContentOctets = 4 * 1024 * 1024;

    private const int DefaultErrorStatus = 403;

    public string MessageName => "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz";

    public CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors)
    {
        if (ExtensionMessages.TryParse(Config.Parser, configuration, path, errors) is not { } config) return null;
        int errorsBefore = errors.Count;
        RefuseUnsupported(config, path, errors);
        CheckContent(config.WithRequestBody, path.Field("with_request_body"), errors);
        AuthorizationService? service = config.ServicesCase switch
        {
            Config.ServicesOneofCase.HttpService => CompileHttp(config, path, errors),
            Config.ServicesOneofCase.GrpcService => CompileGrpc(config, path, errors),
            _ => null,
        };
        if (config.ServicesCase == Config.ServicesOneofCase.None) errors.Add(path, "needs a service to ask: http_service or grpc_service");
        MetadataGate? gate = config.FilterEnabledMetadata is null
            ? null
            : MetadataGate.Compile(config.FilterEnabledMetadata, path.Field("filter_enabled_metadata"), errors);
        int errorStatus = config.StatusOnError is { Code: not 0 } told ? (int)told.Code : DefaultErrorStatus;
        if (errorStatus is < 200 or > 599) errors.Add(path.Field("status_on_error").Field("code"), "must be from 200 to 599");
        return errors.Count > errorsBefore ? null : new ExtAuthzFilter(name, configuration.TypeUrl)
        {
            Service = service!,
            Gate = gate,
            MaxContentOctets = (int)(config.WithRequestBody?.MaxRequestBytes ?? 0),
            AllowsPartialContent = config.WithRequestBody?.AllowPartialMessage ?? false,
            AllowsOnFailure = config.FailureModeAllow,
            TellsOfFailure = config.FailureModeAllowHeaderAdd,
            ErrorReply = new LocalReply { Status = errorStatus, Details = ExtAuthzFilter.ErrorDetails, Flags = ResponseFlags.UnauthorizedExternalService },
            ClearsRouteCache = config.ClearRouteCache,
            StatPrefix = config.StatPrefix,
        };
    }

    public string RouteMessageName => "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute";

    public CompiledExtension? CompileForRoute(string name, Any configuration, FieldPath path, ConfigurationErrors errors)
    {
        if (ExtensionMessages.TryParse(ExtAuthzPerRoute.Parser, configuration, path, errors) is not { } config) return null;
        if (config.Disabled) return new ExtAuthzRoute(name, configuration.TypeUrl) { IsDisabled = true };
        FieldPath place = path.Field("check_settings");
        if (config.CheckSettings is not { } settings)
        {
            errors.Add(path, "needs 'disabled: true' or check_settings");
            return null;
        }

        int errorsBefore = errors.Count;
        CheckContent(settings.WithRequestBody, place.Field("with_request_body"), errors);
        if (settings.WithRequestBody is not null && settings.DisableRequestBodyBuffering)
            errors.Add(place.Field("disable_request_body_buffering"), "cannot stand beside with_request_body");
        return errors.Count > errorsBefore ? null : new ExtAuthzRoute(name, configuration.TypeUrl)
        {
            ContextExtensions = [.. settings.ContextExtensions.OrderBy(static one => one.Key, StringComparer.Ordinal).Select(static one => (one.Key, one.Value))],
            MaxContentOctets = settings.DisableRequestBodyBuffering ? 0 : (int?)settings.WithRequestBody?.MaxRequestBytes,
            AllowsPartialContent = settings.WithRequestBody?.AllowPartialMessage ?? false,
        };
    }

    private static void RefuseUnsupported(Config config, FieldPath path, ConfigurationErrors errors)
    {
        if (config.FilterEnabled is not null) errors.Add(path.Field("filter_enabled"), "is not supported: use filter_enabled_metadata");
        if (config.DenyAtDisable is not null) errors.Add(path.Field("deny_at_disable"), "is not supported");
        if (config.ChargeClusterResponseStats is false) errors.Add(path.Field("charge_cluster_response_stats"), "cannot be false: questions are counted as the requests that they are");
        if (config.TransportApiVersion is not (ApiVersion.Auto or ApiVersion.V3)) errors.Add(path.Field("transport_api_version"), "must be V3");
    }

    private static void CheckContent(BufferSettings? settings, FieldPath path, ConfigurationErrors errors)
    {
        if (settings is not null && settings.MaxRequestBytes is 0 or > MaxContentOctets)
            errors.Add(path.Field("max_request_bytes"), $"must be from 1 to {MaxContentOctets}");
    }

    private static HttpAuthorizationService? CompileHttp(Config config, FieldPath path, ConfigurationErrors errors)
    {
        HttpService service = config.HttpService;
        FieldPath place = path.Field("http_service");
        FieldPath server = place.Field("server_uri");
        int errorsBefore = errors.Count;
        if (config.IncludePeerCertificate) errors.Add(path.Field("include_peer_certificate"), "is of grpc_service; by HTTP nobody would see it");
        if (config.IncludeTlsSession) errors.Add(path.Field("include_tls_session"), "is of grpc_service; by HTTP nobody would see it");
        if (config.MetadataContextNamespaces.Count > 0) errors.Add(path.Field("metadata_context_namespaces"), "is of grpc_service; by HTTP nobody would see it");
        if (string.IsNullOrEmpty(service.ServerUri?.Cluster)) errors.Add(server.Field("cluster"), "is required");
        if (!Uri.TryCreate(service.ServerUri?.Uri, UriKind.Absolute, out Uri? uri) || !AuthorityText.IsValid(Encoding.ASCII.GetBytes(uri.Authority)))
            errors.Add(server.Field("uri"), "must be an address such as http://authz.example");
        TimeSpan timeout = ProtoValues.Positive(service.ServerUri?.Timeout, TimeSpan.Zero, server.Field("timeout"), errors);
        if (service.PathPrefix.Length > 0 && (service.PathPrefix[0] != '/' || service.PathPrefix.Contains('?') || !PathText.IsValid(Encoding.UTF8.GetBytes(service.PathPrefix))))
            errors.Add(place.Field("path_prefix"), "must begin with '/' and have no query");
        FieldPath asked = place.Field("authorization_request");
        FieldPath answered = place.Field("authorization_response");
        AuthorizationRequest request = service.AuthorizationRequest ?? new AuthorizationRequest();
        AuthorizationResponse response = service.AuthorizationResponse ?? new AuthorizationResponse();
        if (request.AllowedHeaders is not null && config.AllowedHeaders is not null)
            errors.Add(asked.Field("allowed_headers"), "cannot stand beside the filter's own allowed_headers");
        FieldNames allowed = config.AllowedHeaders is not null
            ? FieldNames.Compile(config.AllowedHeaders, path.Field("allowed_headers"), errors, "authorization")
            : FieldNames.Compile(request.AllowedHeaders, asked.Field("allowed_headers"), errors, "authorization");
        ImmutableArray<(HeaderName, byte[])> added = CompileFields(request.HeadersToAdd, asked.Field("headers_to_add"), errors);
        var compiled = new
        {
            Disallowed = FieldNames.Compile(config.DisallowedHeaders, path.Field("disallowed_headers"), errors),
            Upstream = FieldNames.Compile(response.AllowedUpstreamHeaders, answered.Field("allowed_upstream_headers"), errors),
            Appended = FieldNames.Compile(response.AllowedUpstreamHeadersToAppend, answered.Field("allowed_upstream_headers_to_append"), errors),
            Client = response.AllowedClientHeaders is null
                ? null
                : FieldNames.Compile(response.AllowedClientHeaders, answered.Field("allowed_client_headers"), errors, "www-authenticate", "location"),
            OnSuccess = FieldNames.Compile(response.AllowedClientHeadersOnSuccess, answered.Field("allowed_client_headers_on_success"), errors),
            Metadata = FieldNames.Compile(response.DynamicMetadataFromHeaders, answered.Field("dynamic_metadata_from_headers"), errors),
        };
        return errors.Count > errorsBefore ? null : new HttpAuthorizationService
        {
            Cluster = service.ServerUri!.Cluster,
            TimeoutMilliseconds = MillisecondsOf(timeout),
            Authority = Encoding.ASCII.GetBytes(uri!.Authority),
            IsTls = uri.Scheme == Uri.UriSchemeHttps,
            PathPrefix = Encoding.UTF8.GetBytes(service.PathPrefix),
            AllowedRequestFields = allowed,
            DisallowedRequestFields = compiled.Disallowed,
            AddedRequestFields = added,
            UpstreamFields = compiled.Upstream,
            AppendedUpstreamFields = compiled.Appended,
            ClientFields = compiled.Client,
            ClientFieldsOnSuccess = compiled.OnSuccess,
            MetadataFields = compiled.Metadata,
        };
    }

    private static GrpcAuthorizationService? CompileGrpc(Config config, FieldPath path, ConfigurationErrors errors)
    {
        FieldPath place = path.Field("grpc_service");
        int errorsBefore = errors.Count;
        GrpcCheck? check = GrpcCheck.Compile(config.GrpcService, place, errors);
        FieldNames? allowed = config.AllowedHeaders is null ? null : FieldNames.Compile(config.AllowedHeaders, path.Field("allowed_headers"), errors);
        FieldNames disallowed = FieldNames.Compile(config.DisallowedHeaders, path.Field("disallowed_headers"), errors);
        return errors.Count > errorsBefore ? null : new GrpcAuthorizationService
        {
            Cluster = check!.Cluster,
            TimeoutMilliseconds = check.TimeoutMilliseconds,
            Check = check,
            Attributes = new AttributeSource
            {
                AllowedFields = allowed,
                DisallowedFields = disallowed,
                IncludesPeerCertificate = config.IncludePeerCertificate,
                IncludesTlsSession = config.IncludeTlsSession,
                PacksAsBytes = config.WithRequestBody?.PackAsBytes ?? false,
                MetadataNamespaces = [.. config.MetadataContextNamespaces],
            },
        };
    }

    /// <summary>Fields that every question has.</summary>
    internal static ImmutableArray<(HeaderName Name, byte[] Value)> CompileFields(RepeatedField<HeaderValue> fields, FieldPath path, ConfigurationErrors errors)
    {
        var compiled = ImmutableArray.CreateBuilder<(HeaderName, byte[])>(fields.Count);
        for (int i = 0; i < fields.Count; i++)
        {
            byte[] value = Encoding.UTF8.GetBytes(fields[i].Value);
            if (fields[i].Value.Contains('%')) errors.Add(path.At(i).Field("value"), "cannot have a '%' here: values that depend on the request are not supported");
            else if (!HeaderName.TryCreate(fields[i].Key, out HeaderName? name) || FieldChange.IsOurs(name!.Bytes)) errors.Add(path.At(i).Field("key"), $"'{fields[i].Key}' is not a header that can be added");
            else if (!FieldChange.IsValue(value)) errors.Add(path.At(i).Field("value"), "has a control character");
            else compiled.Add((name!, value));
        }

        return compiled.ToImmutable();
    }

    /// <summary>At least 1: no timeout is no wish.</summary>
    internal static long MillisecondsOf(TimeSpan time) => Math.Max(1, (long)Math.Ceiling(time.TotalMilliseconds));
}
