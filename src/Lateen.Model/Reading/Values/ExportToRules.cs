using System.Collections.Immutable;

namespace Lateen.Model.Reading.Values;

/// <summary><c>exportTo</c>: <c>.</c>, <c>*</c>, namespaces; for a ServiceEntry also <c>~</c>, alone.</summary>
internal static class ExportToRules
{
    public static void Check(ObjectReader at, string field, ImmutableArray<string> exportTo, bool nobodyAllowed)
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < exportTo.Length; i++)
        {
            var item = exportTo[i];
            if (item == "~" && !nobodyAllowed)
                at.ReportItem(
                    DiagnosticCodes.InvalidExportTo, field, i, "'~' (nobody) is for ServiceEntry only", "'.' keeps it in its namespace");
            else if (item is not ("." or "*" or "~") && !HostSyntax.IsLabel(item))
                at.ReportItem(
                    DiagnosticCodes.InvalidExportTo, field, i, $"'{item}' is not a namespace", "'.', '*' or the name of a namespace");
            if (!seen.Add(item == "." ? at.Context.Namespace : item))
                at.ReportItem(DiagnosticCodes.InvalidExportTo, field, i, $"'{item}' says a namespace twice", "'.' is the own namespace");
        }

        if (exportTo.Length < 2) return;
        foreach (var alone in (ReadOnlySpan<string>)["*", "~"])
            if (seen.Contains(alone)) at.Report(DiagnosticCodes.InvalidExportTo, field, $"'{alone}' stands alone");
    }
}
