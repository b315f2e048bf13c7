namespace Lateen.Model;

/// <summary>The identity of a resource: at most one resource of a kind has a given name in a namespace.</summary>
/// <remarks>Orders by kind, namespace, name (ordinal), which is the order of every list that Lateen prints.</remarks>
public readonly record struct ResourceKey(ResourceKind Kind, string Namespace, string Name) : IComparable<ResourceKey>
{
    /// <summary>The key of the one MeshConfig, whatever document or ConfigMap it was read from.</summary>
    public static readonly ResourceKey Mesh = new(ResourceKind.MeshConfig, "istio-system", "istio");

    public int CompareTo(ResourceKey other)
    {
        var order = Kind.CompareTo(other.Kind);
        if (order == 0) order = string.CompareOrdinal(Namespace, other.Namespace);
        return order != 0 ? order : string.CompareOrdinal(Name, other.Name);
    }

    /// <summary><c>Kind/namespace/name</c>.</summary>
    public override string ToString() => $"{Kind.Name}/{Namespace}/{Name}";
}
