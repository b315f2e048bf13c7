using System.Collections.Immutable;

namespace Lateen.Model;

/// <summary>The namespaces that may see a resource: <c>exportTo</c> with defaults and <c>.</c> resolved.</summary>
public sealed class ExportScope : IEquatable<ExportScope>
{
    /// <summary>Every namespace.</summary>
    public static readonly ExportScope Public = new(isPublic: true, []);

    /// <summary>Nobody, the own namespace included (<c>~</c>).</summary>
    public static readonly ExportScope Nobody = new(isPublic: false, []);

    private ExportScope(bool isPublic, ImmutableArray<string> namespaces)
    {
        IsPublic = isPublic;
        Namespaces = namespaces;
    }

    public bool IsPublic { get; }

    /// <summary>Names in ordinal order; empty when public or for nobody.</summary>
    public ImmutableArray<string> Namespaces { get; }

    /// <summary>Resolves what a resource wrote: nothing means <paramref name="meshDefault"/>, and nothing there means public.</summary>
    public static ExportScope Resolve(ImmutableArray<string> exportTo, ImmutableArray<string> meshDefault, string ownNamespace)
    {
        var written = exportTo.IsDefaultOrEmpty ? meshDefault : exportTo;
        if (written.IsDefaultOrEmpty || written.Contains("*")) return Public;
        var names = written.Where(name => name != "~").Select(name => name == "." ? ownNamespace : name)
            .Distinct().Order(StringComparer.Ordinal).ToImmutableArray();
        return names.Length == 0 ? Nobody : new ExportScope(isPublic: false, names);
    }

    public bool IsVisibleTo(string clientNamespace) =>
        IsPublic || Namespaces.BinarySearch(clientNamespace, StringComparer.Ordinal) >= 0;

    /// <summary>True when only <paramref name="ownNamespace"/> sees it.</summary>
    public bool IsPrivateTo(string ownNamespace) => !IsPublic && Namespaces.Length == 1 && Namespaces[0] == ownNamespace;

    public bool Equals(ExportScope? other) =>
        other is not null && IsPublic == other.IsPublic && Namespaces.SequenceEqual(other.Namespaces);

    public override bool Equals(object? obj) => Equals(obj as ExportScope);

    public override int GetHashCode() => Namespaces.Aggregate(IsPublic ? 1 : 0, HashCode.Combine);

    public override string ToString() => IsPublic ? "*" : Namespaces.Length == 0 ? "~" : string.Join(',', Namespaces);
}
