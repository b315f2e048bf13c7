using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Telemetry.Statistics;
using Config = Envoy.Extensions.Filters.Network.ExtAuthz.V3.ExtAuthz;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>Compiles <c>envoy.filters.network.ext_authz</c>.</summary>
public sealed class NetworkExtAuthzCompiler(StatsRegistry registry) : IExtensionCompiler
{
    public string MessageName => "envoy.extensions.filters.network.ext_authz.v3.ExtAuthz";

    public CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors)
    {
        if (ExtensionMessages.TryParse(Config.Parser, configuration, path, errors) is not { } config) return null;
        int errorsBefore = errors.Count;
        if (config.StatPrefix.Length == 0) errors.Add(path.Field("stat_prefix"), "is required");
        if (config.GrpcService is null) errors.Add(path.Field("grpc_service"), "is required");
        if (config.TransportApiVersion is not (ApiVersion.Auto or ApiVersion.V3)) errors.Add(path.Field("transport_api_version"), "must be V3");
        GrpcCheck? check = config.GrpcService is null ? null : GrpcCheck.Compile(config.GrpcService, path.Field("grpc_service"), errors);
        MetadataGate? gate = config.FilterEnabledMetadata is null
            ? null
            : MetadataGate.Compile(config.FilterEnabledMetadata, path.Field("filter_enabled_metadata"), errors);
        return errors.Count > errorsBefore ? null : new NetworkExtAuthzFilter(name, configuration.TypeUrl)
        {
            Check = check!,
            Gate = gate,
            IncludesPeerCertificate = config.IncludePeerCertificate,
            IncludesTlsSession = config.IncludeTlsSession,
            AllowsOnFailure = config.FailureModeAllow,
            Stats = NetworkExtAuthzStats.Open(registry, config.StatPrefix),
        };
    }
}
