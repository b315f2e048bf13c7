using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Routing;

/// <summary>
/// Filter configuration on routes (<c>typed_per_filter_config</c>). No filter of this version has any, so each is refused by the filter's
/// name.
/// </summary>
internal static class PerFilterConfig
{
    public static void Refuse(MapField<string, Any> configurations, FieldPath path, ConfigurationErrors errors)
    {
        foreach (var filter in configurations.Keys.Order(StringComparer.Ordinal))
        {
            errors.Add(
                path.Field("typed_per_filter_config").Key(filter),
                $"the filter '{filter}' takes no configuration per route ({configurations[filter].TypeUrl})");
        }
    }
}
