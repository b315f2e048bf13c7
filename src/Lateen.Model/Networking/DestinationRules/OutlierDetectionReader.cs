using Lateen.Model.Reading;
using Lateen.Yaml;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.DestinationRules;

/// <summary>Reads outlier detection.</summary>
internal static class OutlierDetectionReader
{
    public static readonly MessageShape Shape = new(
        "OutlierDetection",
        InEffect("consecutive5xxErrors"), InEffect("consecutiveGatewayErrors"), InEffect("splitExternalLocalOriginErrors"),
        InEffect("consecutiveLocalOriginFailures"), InEffect("interval"), InEffect("baseEjectionTime"), InEffect("maxEjectionPercent"),
        InEffect("minHealthPercent"), InEffect("outlierDetectionHttpErrorCodes"),
        Deprecated("consecutiveErrors", "write consecutive5xxErrors or consecutiveGatewayErrors"));

    public static OutlierDetection Read(ObjectReader at)
    {
        var detection = new OutlierDetection
        {
            Consecutive5xxErrors = at.UInt32("consecutive5xxErrors"),
            // Istio reads the old field into the one that its documentation says it meant.
            ConsecutiveGatewayErrors = at.UInt32("consecutiveGatewayErrors") ?? at.UInt32("consecutiveErrors"),
            SplitExternalLocalOriginErrors = at.Boolean("splitExternalLocalOriginErrors") ?? false,
            ConsecutiveLocalOriginFailures = at.UInt32("consecutiveLocalOriginFailures"),
            Interval = at.Duration("interval"),
            BaseEjectionTime = at.Duration("baseEjectionTime"),
            MaxEjectionPercent = at.Int32("maxEjectionPercent", 0, 100),
            MinHealthPercent = at.Int32("minHealthPercent", 0, 100),
            HttpErrorCodes = [.. ReadCodes(at)],
        };
        if (detection is { SplitExternalLocalOriginErrors: false, ConsecutiveLocalOriginFailures: > 0 })
            at.Report(
                DiagnosticCodes.InvalidOutlier, "consecutiveLocalOriginFailures", "counts nothing without splitExternalLocalOriginErrors",
                "add splitExternalLocalOriginErrors: true");
        return detection;
    }

    private static IEnumerable<uint> ReadCodes(ObjectReader at)
    {
        foreach (var (index, node) in at.Items("outlierDetectionHttpErrorCodes"))
        {
            if (node is YamlScalar scalar && scalar.TryGetInt64(out var code) && code is >= 100 and <= 599) yield return (uint)code;
            else at.ReportItem(DiagnosticCodes.InvalidOutlier, "outlierDetectionHttpErrorCodes", index, "not an HTTP status", "100 to 599");
        }
    }
}
