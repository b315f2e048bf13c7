using System.Collections.Immutable;

namespace Lateen.Model;

/// <summary>What a diagnostic code stands for, as docs/configuration.md lists it.</summary>
public sealed record DiagnosticCode(string Code, DiagnosticSeverity Severity, string Meaning);

/// <summary>
/// Every code that configuration can draw. A code keeps its meaning for ever; a rule that goes leaves a hole in the numbers.
/// LAT01xx the document and its envelope, LAT02xx fields and values of any kind, LAT03xx VirtualService, LAT04xx DestinationRule,
/// LAT05xx Gateway, LAT06xx ServiceEntry and WorkloadEntry, LAT07xx Sidecar, LAT08xx core Service and EndpointSlice, LAT09xx MeshConfig
/// and the set of resources as a whole.
/// </summary>
public static class DiagnosticCodes
{
    // Order matters: static fields are initialised in textual order, and each code below adds itself to this list.
    private static readonly List<DiagnosticCode> Registered = [];

    public static readonly DiagnosticCode Syntax = Error("LAT0101", "the text is neither YAML nor JSON");
    public static readonly DiagnosticCode NotAResource = Error("LAT0102", "the document is not a Kubernetes-style mapping");
    public static readonly DiagnosticCode UnknownKind = Error("LAT0103", "no such kind in Istio or Kubernetes");
    public static readonly DiagnosticCode UnservedKind = Warning("LAT0104", "a kind that this release does not serve; the document is ignored");
    public static readonly DiagnosticCode UnknownApiVersion = Error("LAT0105", "the kind is not served in this apiVersion");
    public static readonly DiagnosticCode InvalidName = Error("LAT0106", "a resource or namespace name that Kubernetes would refuse");
    public static readonly DiagnosticCode ReservedAnnotation = Error("LAT0107", "an annotation that only the control plane may write");
    public static readonly DiagnosticCode DuplicateResource = Error("LAT0108", "the same kind, namespace and name is declared twice");
    public static readonly DiagnosticCode FileTooLarge = Error("LAT0109", "the file is larger than the limit");
    public static readonly DiagnosticCode TooManyFiles = Error("LAT0110", "the directory holds more files than the limit");
    public static readonly DiagnosticCode FileUnreadable = Error("LAT0111", "the file cannot be read");

    public static readonly DiagnosticCode UnknownField = Error("LAT0201", "the kind has no such field");
    public static readonly DiagnosticCode WrongType = Error("LAT0202", "the value is not of the field's type");

    /// <summary>Everything that this release parses and checks but does not act on yet.</summary>
    public static readonly DiagnosticCode NotInEffect = Warning("LAT0203", "the field is valid and not in effect yet in this release");

    /// <summary>All codes in order.</summary>
    public static ImmutableArray<DiagnosticCode> All => [.. Registered.OrderBy(code => code.Code, StringComparer.Ordinal)];

    private static DiagnosticCode Error(string code, string meaning) => Register(new DiagnosticCode(code, DiagnosticSeverity.Error, meaning));

    private static DiagnosticCode Warning(string code, string meaning) => Register(new DiagnosticCode(code, DiagnosticSeverity.Warning, meaning));

    private static DiagnosticCode Register(DiagnosticCode code)
    {
        Registered.Add(code);
        return code;
    }
}
