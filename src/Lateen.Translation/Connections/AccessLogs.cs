using Envoy.Config.Accesslog.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.AccessLoggers.File.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Model;
using Lateen.Yaml;

namespace Lateen.Translation.Connections;

/// <summary>The access log that the mesh settings ask for, in Istio's default formats.</summary>
internal static class AccessLogs
{
    private const string DefaultText =
        "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% "
        + "%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% "
        + "%DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" "
        + "\"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% "
        + "%DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

    private static readonly string RefusedText = DefaultText.TrimEnd('\n') + " \"%DOWNSTREAM_TRANSPORT_FAILURE_REASON%\"\n";

    private static readonly (string Key, string Operator)[] DefaultJson =
    [
        ("start_time", "%START_TIME%"),
        ("route_name", "%ROUTE_NAME%"),
        ("method", "%REQ(:METHOD)%"),
        ("path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
        ("protocol", "%PROTOCOL%"),
        ("response_code", "%RESPONSE_CODE%"),
        ("response_flags", "%RESPONSE_FLAGS%"),
        ("response_code_details", "%RESPONSE_CODE_DETAILS%"),
        ("connection_termination_details", "%CONNECTION_TERMINATION_DETAILS%"),
        ("bytes_received", "%BYTES_RECEIVED%"),
        ("bytes_sent", "%BYTES_SENT%"),
        ("duration", "%DURATION%"),
        ("upstream_service_time", "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%"),
        ("x_forwarded_for", "%REQ(X-FORWARDED-FOR)%"),
        ("user_agent", "%REQ(USER-AGENT)%"),
        ("request_id", "%REQ(X-REQUEST-ID)%"),
        ("authority", "%REQ(:AUTHORITY)%"),
        ("upstream_host", "%UPSTREAM_HOST%"),
        ("upstream_cluster", "%UPSTREAM_CLUSTER_RAW%"),
        ("upstream_local_address", "%UPSTREAM_LOCAL_ADDRESS%"),
        ("downstream_local_address", "%DOWNSTREAM_LOCAL_ADDRESS%"),
        ("downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"),
        ("requested_server_name", "%REQUESTED_SERVER_NAME%"),
        ("upstream_transport_failure_reason", "%UPSTREAM_TRANSPORT_FAILURE_REASON%"),
    ];

    /// <summary>Null when the mesh settings name no file.</summary>
    public static AccessLog? Of(MeshConfig mesh)
    {
        if (mesh.AccessLogFile is not { Length: > 0 } path) return null;
        var format = mesh.AccessLogEncoding == AccessLogEncoding.Json
            ? new SubstitutionFormatString { JsonFormat = Json(mesh.AccessLogFormat) }
            : new SubstitutionFormatString { TextFormatSource = new DataSource { InlineString = mesh.AccessLogFormat ?? DefaultText } };
        return new AccessLog
        {
            Name = "envoy.access_loggers.file",
            TypedConfig = Messages.Pack(new FileAccessLog { Path = path, LogFormat = format }),
        };
    }

    /// <summary>
    /// The log of a listener that several kinds of connection come to: of those that ended before anything could serve them, because no chain takes them or
    /// because their handshake failed (what else is logged by whoever serves it). Istio logs the former alone; without the latter nobody learns why a
    /// certificate was refused. Null when the mesh settings name no file.
    /// </summary>
    public static AccessLog? OfRefused(MeshConfig mesh)
    {
        if (mesh.AccessLogFile is not { Length: > 0 } path) return null;
        var log = Of(mesh)!;
        log.Filter = new AccessLogFilter { ResponseFlagFilter = new ResponseFlagFilter { Flags = { "NR", "DPE" } } };
        // Istio's formats have no word for it.
        if (mesh.AccessLogFormat is null)
        {
            var format = mesh.AccessLogEncoding == AccessLogEncoding.Json
                ? new SubstitutionFormatString { JsonFormat = RefusedJson() }
                : new SubstitutionFormatString { TextFormatSource = new DataSource { InlineString = RefusedText } };
            log.TypedConfig = Messages.Pack(new FileAccessLog { Path = path, LogFormat = format });
        }

        return log;
    }

    private static Struct RefusedJson()
    {
        var format = new Struct();
        foreach (var (key, value) in DefaultJson) format.Fields[key] = Value.ForString(value);
        format.Fields["downstream_transport_failure_reason"] = Value.ForString("%DOWNSTREAM_TRANSPORT_FAILURE_REASON%");
        return format;
    }

    /// <summary>The mesh's own format is a JSON object of keys and operators; one that is none falls back to Istio's keys (the model has warned).</summary>
    private static Struct Json(string? written)
    {
        var format = new Struct();
        if (written is not null && YamlReader.ReadSingle(written, out _) is YamlMapping mapping)
        {
            foreach (var entry in mapping)
            {
                if (entry.Value is YamlScalar scalar) format.Fields[entry.Name] = Value.ForString(scalar.Text);
            }

            return format;
        }

        foreach (var (key, value) in DefaultJson) format.Fields[key] = Value.ForString(value);
        return format;
    }
}
