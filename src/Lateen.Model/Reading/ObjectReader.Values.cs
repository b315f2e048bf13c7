using System.Collections.Immutable;
using Lateen.Model.Networking;
using Lateen.Model.Reading.Values;

namespace Lateen.Model.Reading;

/// <summary>The value types that several kinds share.</summary>
internal sealed partial class ObjectReader
{
    internal static readonly MessageShape StringMatchShape = new(
        "StringMatch", ShapeField.InEffect("exact"), ShapeField.InEffect("prefix"), ShapeField.InEffect("regex"));

    /// <summary>A duration in whole milliseconds, at least 1 ms, or 0 where <paramref name="zeroAllowed"/>.</summary>
    public TimeSpan? Duration(string field, bool zeroAllowed = false, bool wholeSeconds = false)
    {
        if (Node(field) is not { } node) return null;
        if (node is not Yaml.YamlScalar scalar)
        {
            WrongType(field, node, "a duration", "such as 5s or 250ms");
            return null;
        }

        if (DurationSyntax.Parse(scalar.Text) is not { } duration)
        {
            var hint = scalar.TryGetDouble(out _) ? $"write the unit: {scalar.Text}s" : "such as 5s, 1m30s or 250ms";
            Report(DiagnosticCodes.InvalidDuration, field, $"'{scalar.Text}' is not a duration", hint);
            return null;
        }

        if (DurationSyntax.Complaint(duration, zeroAllowed, wholeSeconds) is not { } complaint) return duration;
        Report(DiagnosticCodes.InvalidDuration, field, $"'{scalar.Text}' {complaint}");
        return null;
    }

    /// <summary>An RE2 expression.</summary>
    public string? Regex(string field)
    {
        if (String(field) is not { } pattern) return null;
        if (RegexSyntax.Check(pattern) is not { } complaint) return pattern;
        Report(DiagnosticCodes.InvalidRegex, field, complaint.Message, complaint.Hint);
        return null;
    }

    /// <summary>A host: DNS name, short name, IP address, or wildcard as far as <paramref name="rule"/> lets it be one.</summary>
    public string? Host(string field, HostRule rule)
    {
        if (String(field) is not { } host) return null;
        if (HostSyntax.Check(host, rule) is not { } complaint) return host;
        Report(DiagnosticCodes.InvalidHost, field, complaint.Message, complaint.Hint);
        return null;
    }

    public ImmutableArray<string> Hosts(string field, HostRule rule)
    {
        var hosts = Strings(field);
        for (var i = 0; i < hosts.Length; i++)
            if (HostSyntax.Check(hosts[i], rule) is { } complaint)
                ReportItem(DiagnosticCodes.InvalidHost, field, i, complaint.Message, complaint.Hint);
        return hosts;
    }

    /// <summary>A condition; a mapping with nothing in it means presence.</summary>
    public StringMatch? Match(string field)
    {
        if (Nested(field) is not { } nested) return null;
        return nested.MatchOfSelf();
    }

    /// <summary>Conditions by name; an empty value means presence.</summary>
    public StringMap<StringMatch> Matches(string field)
    {
        var matches = new Dictionary<string, StringMatch>();
        foreach (var entry in Entries(field))
        {
            if (entry.Value.IsNull) matches[entry.Name] = StringMatch.Present;
            else if (Open(Context, entry.Value, Path.Field(field).Key(entry.Name), StringMatchShape, IsPending(field)) is { } nested
                && nested.MatchOfSelf(starIsPresence: true) is { } match) matches[entry.Name] = match;
        }

        return matches.ToStringMap();
    }

    /// <summary>Reads this mapping as a StringMatch.</summary>
    /// <param name="starIsPresence">Takes the regex <c>*</c>, which is none, for presence, as Istio does for headers and parameters.</param>
    public StringMatch? MatchOfSelf(bool starIsPresence = false)
    {
        AtMostOne("exact", "prefix", "regex");
        if (String("exact") is { } exact) return StringMatch.Exact(exact);
        if (String("prefix") is { } prefix) return StringMatch.Prefix(prefix);
        if (!Has("regex")) return StringMatch.Present;
        if (starIsPresence && String("regex") == "*") return StringMatch.Regex("*");
        return Regex("regex") is { } regex ? StringMatch.Regex(regex) : null;
    }

    /// <summary>Labels that select; rules of <see cref="SelectorRules"/>.</summary>
    public StringMap<string> Selector(string field)
    {
        var labels = StringMap(field);
        SelectorRules.Check(this, field, labels);
        return labels;
    }

    public ImmutableArray<string> ExportTo(string field, bool nobodyAllowed = false)
    {
        var exportTo = Strings(field);
        ExportToRules.Check(this, field, exportTo, nobodyAllowed);
        return exportTo;
    }

    /// <summary>A protocol by name; unknown and missing names are <see cref="PortProtocol.Unsupported"/>, the former after a report.</summary>
    public PortProtocol Protocol(string field)
    {
        if (String(field) is not { Length: > 0 } name) return PortProtocol.Unsupported;
        var protocol = ProtocolSelection.Parse(name);
        if (protocol == PortProtocol.Unsupported)
            Report(
                DiagnosticCodes.UnknownProtocol, field, $"'{name}' is not a protocol",
                DidYouMean.Hint(name, ProtocolSelection.Names.Select(known => known.ToUpperInvariant())) ?? $"one of {string.Join(", ", ProtocolSelection.Names)}");
        return protocol;
    }
}
