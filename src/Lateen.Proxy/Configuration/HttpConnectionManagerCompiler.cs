using System.Collections.Immutable;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Http;
using Lateen.Proxy.Routing;
using Lateen.Xds;
using Proto = Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;

namespace Lateen.Proxy.Configuration;

/// <summary>Compiles an <c>HttpConnectionManager</c>.</summary>
internal sealed class HttpConnectionManagerCompiler(ExtensionCatalog extensions, RouteTableCompiler routes, uint? bufferLimit, ConfigurationErrors errors)
{
    public HttpConnectionManagerSnapshot? Compile(Any packed, FieldPath path)
    {
        Proto.HttpConnectionManager manager;
        try
        {
            manager = Proto.HttpConnectionManager.Parser.ParseFrom(packed.Value);
        }
        catch (InvalidProtocolBufferException fault)
        {
            errors.Add(path, $"is not a valid message: {fault.Message}");
            return null;
        }

        var errorsBefore = errors.Count;
        if (manager.StatPrefix.Length == 0) errors.Add(path.Field("stat_prefix"), "is required");
        var (inline, name) = CompileRoutes(manager, path);
        var compiled = new HttpConnectionManagerSnapshot
        {
            StatPrefix = manager.StatPrefix,
            Codec = CodecOf(manager, path),
            InlineRoutes = inline,
            RouteConfigName = name,
            HttpFilters = CompileFilters(manager, path.Field("http_filters")),
            AccessLogs = AccessLogCompiler.Compile(manager.AccessLog, extensions, path.Field("access_log"), errors),
            Timeouts = TimeoutsOf(manager, path),
            Limits = LimitsOf(manager, path),
            Path = PathOf(manager, path),
            ClientAddress = ClientAddressOf(manager, path),
            RequestId = new RequestIdOptions
            {
                Generate = manager.GenerateRequestId ?? true,
                PreserveExternal = manager.PreserveExternalRequestId,
                AlwaysSetInResponse = manager.AlwaysSetRequestIdInResponse,
            },
            Http1 = Http1Of(manager.HttpProtocolOptions),
            Http2 = Http2OptionsCompiler.Compile(manager.Http2ProtocolOptions, Http2Options.Default, bufferLimit, path.Field("http2_protocol_options"), errors),
            ServerName = manager.ServerName.Length > 0 ? manager.ServerName : "envoy",
            ServerHeader = ServerHeaderOf(manager, path),
            Via = manager.Via,
            StripHostPort = StrippingOf(manager, path),
            StripTrailingHostDot = manager.StripTrailingHostDot,
            Proxy100Continue = manager.Proxy100Continue,
            Upgrades = UpgradeRules.Compile(
                [.. manager.UpgradeConfigs.Select(static one => (one.UpgradeType, one.Enabled))], path.Field("upgrade_configs"), errors),
            SchemeOverwrite = SchemeOf(manager, path),
            AddUserAgent = manager.AddUserAgent ?? false,
            AppendXForwardedPort = manager.AppendXForwardedPort,
            ForwardClientCertificate = ForwardedCertificateOf(manager, path),
            ClientCertificateFields = FieldsOf(manager.SetCurrentClientCertDetails),
        };
        return errors.Count > errorsBefore ? null : compiled;
    }

    private (RouteTable? Inline, string? Name) CompileRoutes(Proto.HttpConnectionManager manager, FieldPath path)
    {
        switch (manager.RouteSpecifierCase)
        {
            case Proto.HttpConnectionManager.RouteSpecifierOneofCase.RouteConfig:
                return (routes.Compile(manager.RouteConfig, null, path.Field("route_config"), errors), null);
            case Proto.HttpConnectionManager.RouteSpecifierOneofCase.Rds:
                var rds = path.Field("rds");
                if (manager.Rds.RouteConfigName.Length == 0) errors.Add(rds.Field("route_config_name"), "is required");
                if (manager.Rds.ConfigSource?.ConfigSourceSpecifierCase != Envoy.Config.Core.V3.ConfigSource.ConfigSourceSpecifierOneofCase.Ads)
                    errors.Add(rds.Field("config_source"), "only 'ads: {}' is supported as a source of routes");
                return (null, manager.Rds.RouteConfigName);
            default:
                errors.Add(path, "needs routes: route_config or rds");
                return (null, null);
        }
    }

    private ImmutableArray<CompiledExtension> CompileFilters(Proto.HttpConnectionManager manager, FieldPath path)
    {
        var filters = ImmutableArray.CreateBuilder<CompiledExtension>(manager.HttpFilters.Count);
        var enabled = 0;
        for (var i = 0; i < manager.HttpFilters.Count; i++)
        {
            var filter = manager.HttpFilters[i];
            if (filter.Disabled || (filter.IsOptional && !extensions.HasHttpFilter(filter.TypedConfig))) continue;
            enabled++;
            if (extensions.CompileHttpFilter(filter.Name, filter.TypedConfig, path.At(i), errors) is { } compiled) filters.Add(compiled);
            if (IsRouter(filter) && i < manager.HttpFilters.Count - 1) errors.Add(path.At(i), "the router must be the last HTTP filter");
        }

        var last = manager.HttpFilters.Count == 0 ? null : manager.HttpFilters[^1];
        if (enabled == 0 || last is null || !IsRouter(last))
            errors.Add(path, $"the last HTTP filter must be the router (envoy.filters.http.router, {ExtensionCatalog.RouterMessageName})");
        return filters.DrainToImmutable();
    }

    private static bool IsRouter(Proto.HttpFilter filter) =>
        XdsTypeRegistry.TypeNameOf(filter.TypedConfig?.TypeUrl ?? string.Empty) == ExtensionCatalog.RouterMessageName;

    private HttpTimeouts TimeoutsOf(Proto.HttpConnectionManager manager, FieldPath path)
    {
        var defaults = new HttpTimeouts();
        var common = manager.CommonHttpProtocolOptions;
        var commonPath = path.Field("common_http_protocol_options");
        return new HttpTimeouts
        {
            Idle = ProtoValues.Timeout(common?.IdleTimeout, defaults.Idle, commonPath.Field("idle_timeout"), errors),
            MaxConnectionDuration = ProtoValues.Timeout(common?.MaxConnectionDuration, null, commonPath.Field("max_connection_duration"), errors),
            MaxStreamDuration = ProtoValues.Timeout(common?.MaxStreamDuration, null, commonPath.Field("max_stream_duration"), errors),
            StreamIdle = ProtoValues.Timeout(manager.StreamIdleTimeout, defaults.StreamIdle, path.Field("stream_idle_timeout"), errors),
            Request = ProtoValues.Timeout(manager.RequestTimeout, null, path.Field("request_timeout"), errors),
            RequestHeaders = ProtoValues.Timeout(manager.RequestHeadersTimeout, null, path.Field("request_headers_timeout"), errors),
            Drain = ProtoValues.Duration(manager.DrainTimeout, defaults.Drain, path.Field("drain_timeout"), errors) ?? defaults.Drain,
            DelayedClose = ProtoValues.Timeout(manager.DelayedCloseTimeout, defaults.DelayedClose, path.Field("delayed_close_timeout"), errors),
        };
    }

    private RequestLimits LimitsOf(Proto.HttpConnectionManager manager, FieldPath path)
    {
        var defaults = new RequestLimits();
        var common = manager.CommonHttpProtocolOptions;
        if (manager.MaxRequestHeadersKb is 0 or > 8192) errors.Add(path.Field("max_request_headers_kb"), "must be from 1 to 8192");
        if (common?.MaxHeadersCount is 0) errors.Add(path.Field("common_http_protocol_options").Field("max_headers_count"), "must be greater than 0");
        return new RequestLimits
        {
            MaxHeadersKb = manager.MaxRequestHeadersKb ?? defaults.MaxHeadersKb,
            MaxHeaders = common?.MaxHeadersCount ?? defaults.MaxHeaders,
            MaxRequestsPerConnection = common?.MaxRequestsPerConnection ?? 0,
            HeadersWithUnderscores = (common?.HeadersWithUnderscoresAction ?? default) switch
            {
                Envoy.Config.Core.V3.HttpProtocolOptions.Types.HeadersWithUnderscoresAction.RejectRequest => UnderscoreHeaders.RejectRequest,
                Envoy.Config.Core.V3.HttpProtocolOptions.Types.HeadersWithUnderscoresAction.DropHeader => UnderscoreHeaders.DropHeader,
                _ => UnderscoreHeaders.Allow,
            },
        };
    }

    private PathOptions PathOf(Proto.HttpConnectionManager manager, FieldPath path)
    {
        var escaped = EscapedSlashes.KeepUnchanged;
        switch (manager.PathWithEscapedSlashesAction)
        {
            case Proto.HttpConnectionManager.Types.PathWithEscapedSlashesAction.ImplementationSpecificDefault:
            case Proto.HttpConnectionManager.Types.PathWithEscapedSlashesAction.KeepUnchanged: break;
            case Proto.HttpConnectionManager.Types.PathWithEscapedSlashesAction.RejectRequest: escaped = EscapedSlashes.RejectRequest; break;
            case Proto.HttpConnectionManager.Types.PathWithEscapedSlashesAction.UnescapeAndRedirect: escaped = EscapedSlashes.UnescapeAndRedirect; break;
            case Proto.HttpConnectionManager.Types.PathWithEscapedSlashesAction.UnescapeAndForward: escaped = EscapedSlashes.UnescapeAndForward; break;
            default: NotKnown(path.Field("path_with_escaped_slashes_action"), (int)manager.PathWithEscapedSlashesAction); break;
        }

        return new PathOptions { Normalize = manager.NormalizePath ?? false, MergeSlashes = manager.MergeSlashes, EscapedSlashes = escaped };
    }

    private ClientAddressOptions ClientAddressOf(Proto.HttpConnectionManager manager, FieldPath path) => new()
    {
        UseRemoteAddress = manager.UseRemoteAddress ?? false,
        TrustedHops = manager.XffNumTrustedHops,
        SkipXffAppend = manager.SkipXffAppend,
        UnixSocketsAreInternal = manager.InternalAddressConfig?.UnixSockets ?? false,
        InternalRanges = manager.InternalAddressConfig is null
            ? []
            : CidrRanges.Compile(manager.InternalAddressConfig.CidrRanges, path.Field("internal_address_config").Field("cidr_ranges"), errors),
    };

    private static Http1Options Http1Of(Envoy.Config.Core.V3.Http1ProtocolOptions? options) => options is null
        ? new Http1Options()
        : new Http1Options
        {
            AcceptHttp10 = options.AcceptHttp10,
            DefaultHostForHttp10 = options.DefaultHostForHttp10,
            EnableTrailers = options.EnableTrailers,
        };

    private HttpCodecType CodecOf(Proto.HttpConnectionManager manager, FieldPath path)
    {
        switch (manager.CodecType)
        {
            case Proto.HttpConnectionManager.Types.CodecType.Auto: return HttpCodecType.Auto;
            case Proto.HttpConnectionManager.Types.CodecType.Http1: return HttpCodecType.Http1;
            case Proto.HttpConnectionManager.Types.CodecType.Http2: return HttpCodecType.Http2;
            default:
                errors.Add(path.Field("codec_type"), $"{manager.CodecType} is not supported; use AUTO, HTTP1 or HTTP2");
                return HttpCodecType.Auto;
        }
    }

    private ServerHeaderTransformation ServerHeaderOf(Proto.HttpConnectionManager manager, FieldPath path)
    {
        switch (manager.ServerHeaderTransformation)
        {
            case Proto.HttpConnectionManager.Types.ServerHeaderTransformation.Overwrite: return ServerHeaderTransformation.Overwrite;
            case Proto.HttpConnectionManager.Types.ServerHeaderTransformation.AppendIfAbsent: return ServerHeaderTransformation.AppendIfAbsent;
            case Proto.HttpConnectionManager.Types.ServerHeaderTransformation.PassThrough: return ServerHeaderTransformation.PassThrough;
            default:
                NotKnown(path.Field("server_header_transformation"), (int)manager.ServerHeaderTransformation);
                return ServerHeaderTransformation.Overwrite;
        }
    }

    private HostPortStripping StrippingOf(Proto.HttpConnectionManager manager, FieldPath path)
    {
        if (manager.StripMatchingHostPort && manager.StripAnyHostPort)
            errors.Add(path.Field("strip_any_host_port"), "cannot stand beside strip_matching_host_port");
        return manager.StripAnyHostPort ? HostPortStripping.Any : manager.StripMatchingHostPort ? HostPortStripping.Matching : HostPortStripping.None;
    }

    private string? SchemeOf(Proto.HttpConnectionManager manager, FieldPath path)
    {
        var scheme = manager.SchemeHeaderTransformation?.SchemeToOverwrite;
        if (string.IsNullOrEmpty(scheme)) return null;
        if (scheme is not ("http" or "https")) errors.Add(path.Field("scheme_header_transformation").Field("scheme_to_overwrite"), "must be http or https");
        return scheme;
    }

    private static ClientCertificateFields FieldsOf(Proto.HttpConnectionManager.Types.SetCurrentClientCertDetails? details)
    {
        var fields = ClientCertificateFields.None;
        if (details is null) return fields;
        if (details.Cert) fields |= ClientCertificateFields.Certificate;
        if (details.Chain) fields |= ClientCertificateFields.Chain;
        if (details.Subject is true) fields |= ClientCertificateFields.Subject;
        if (details.Uri) fields |= ClientCertificateFields.Uri;
        if (details.Dns) fields |= ClientCertificateFields.Dns;
        return fields;
    }

    private ForwardedClientCertificate ForwardedCertificateOf(Proto.HttpConnectionManager manager, FieldPath path)
    {
        switch (manager.ForwardClientCertDetails)
        {
            case Proto.HttpConnectionManager.Types.ForwardClientCertDetails.Sanitize: return ForwardedClientCertificate.Sanitize;
            case Proto.HttpConnectionManager.Types.ForwardClientCertDetails.ForwardOnly: return ForwardedClientCertificate.ForwardOnly;
            case Proto.HttpConnectionManager.Types.ForwardClientCertDetails.AppendForward: return ForwardedClientCertificate.AppendForward;
            case Proto.HttpConnectionManager.Types.ForwardClientCertDetails.SanitizeSet: return ForwardedClientCertificate.SanitizeSet;
            case Proto.HttpConnectionManager.Types.ForwardClientCertDetails.AlwaysForwardOnly: return ForwardedClientCertificate.AlwaysForwardOnly;
            default:
                NotKnown(path.Field("forward_client_cert_details"), (int)manager.ForwardClientCertDetails);
                return ForwardedClientCertificate.Sanitize;
        }
    }

    private void NotKnown(FieldPath path, int value) => errors.Add(path, $"{value} is not a known value");
}
