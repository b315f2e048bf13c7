using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Envoy.Config.Core.V3;
using Envoy.Config.Rbac.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Lateen.Xds;

/// <summary>
/// Where the policies of a set of access rules are written, <c>FILE:LINE</c> by the policy's name: the control plane tells the proxy, so that the
/// proxy can tell the operator (ADR 0034).
/// </summary>
/// <remarks>
/// It rides in <c>audit_logging_options</c> as an optional audit logger, which by the field's contract a data plane that does not know it passes
/// over; never asked for (<c>NONE</c>), and a plain struct, which every Envoy can show in its dump. Pure.
/// </remarks>
public static class PolicyPlaces
{
    /// <summary>By this name, with a struct for its configuration, the proxy knows it.</summary>
    public const string LoggerName = "lateen.policy_places";

    private const string StructName = "google.protobuf.Struct";

    /// <returns>Null when there is no place to tell.</returns>
    public static RBAC.Types.AuditLoggingOptions? Pack(IEnumerable<KeyValuePair<string, string>> places)
    {
        ArgumentNullException.ThrowIfNull(places);
        var told = new Struct();
        foreach (var (policy, place) in places) told.Fields[policy] = Value.ForString(place);
        if (told.Fields.Count == 0) return null;
        return new RBAC.Types.AuditLoggingOptions
        {
            LoggerConfigs =
            {
                new RBAC.Types.AuditLoggingOptions.Types.AuditLoggerConfig
                {
                    AuditLogger = new TypedExtensionConfig { Name = LoggerName, TypedConfig = new Any { TypeUrl = $"type.googleapis.com/{StructName}", Value = told.ToByteString() } },
                    IsOptional = true,
                },
            },
        };
    }

    /// <summary>Takes the places out of a logger that holds some. What in it is no text is passed over: it decides nothing.</summary>
    /// <returns>False: it is another logger.</returns>
    public static bool TryUnpack(TypedExtensionConfig? logger, [NotNullWhen(true)] out ImmutableDictionary<string, string>? places)
    {
        places = null;
        if (logger?.Name != LoggerName || logger.TypedConfig is null || XdsTypeRegistry.TypeNameOf(logger.TypedConfig.TypeUrl) != StructName) return false;
        try
        {
            places = Struct.Parser.ParseFrom(logger.TypedConfig.Value).Fields
                .Where(static field => field.Value.KindCase == Value.KindOneofCase.StringValue && field.Value.StringValue.Length > 0)
                .ToImmutableDictionary(static field => field.Key, static field => field.Value.StringValue, StringComparer.Ordinal);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }
}
