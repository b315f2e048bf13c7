using Envoy.Extensions.Filters.Http.GrpcStats.V3;
using Envoy.Extensions.Filters.Http.GrpcWeb.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Filters.Grpc;

/// <summary>Compiles <c>envoy.filters.http.grpc_stats</c>.</summary>
public sealed class GrpcStatsFilterCompiler : IExtensionCompiler
{
    public string MessageName => "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig";

    public CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors)
    {
        try
        {
            var config = FilterConfig.Parser.ParseFrom(configuration.Value);
            if (config.StatsForAllMethods is true)
            {
                errors.Add(path.Field("stats_for_all_methods"), "is not supported: counters of each method would grow with what clients call");
                return null;
            }

            // emit_filter_state is honoured by the counts being in the exchange's record whatever it says.
            return new GrpcStatsFilter(name, configuration.TypeUrl);
        }
        catch (InvalidProtocolBufferException fault)
        {
            errors.Add(path, $"is not a valid message: {fault.Message}");
            return null;
        }
    }
}

/// <summary>Compiles <c>envoy.filters.http.grpc_web</c>, which has no options.</summary>
public sealed class GrpcWebFilterCompiler : IExtensionCompiler
{
    public string MessageName => "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb";

    public CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors)
    {
        try
        {
            GrpcWeb.Parser.ParseFrom(configuration.Value);
            return new GrpcWebFilter(name, configuration.TypeUrl);
        }
        catch (InvalidProtocolBufferException fault)
        {
            errors.Add(path, $"is not a valid message: {fault.Message}");
            return null;
        }
    }
}
