using System.Diagnostics.CodeAnalysis;

namespace Lateen.Model;

/// <summary>What every resource carries beside its spec.</summary>
public sealed record ResourceMetadata
{
    public required string Name { get; init; }

    /// <summary>Never empty: a document without one is in <c>default</c>.</summary>
    public required string Namespace { get; init; }

    public StringMap<string> Labels { get; init; } = StringMap<string>.Empty;

    public StringMap<string> Annotations { get; init; } = StringMap<string>.Empty;

    /// <summary>Orders resources of one kind, oldest first. A document without <c>creationTimestamp</c> has the time that its source gives
    /// it, or <see cref="DateTimeOffset.UnixEpoch"/>; ties are broken by name, then namespace.</summary>
    public DateTimeOffset CreatedAt { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>Where the document begins.</summary>
    public SourceLocation? Location { get; init; }

    /// <summary>Line of that file in which <see cref="Resource.Text"/> begins, from 1, so that the text can be read again and name the same lines; 0: the text is not
    /// as it stands in the file (an item of a list).</summary>
    public int TextLine { get; init; }
}

/// <summary>
/// One validated resource: its identity, its metadata, its typed spec, and the text that it was read from.
/// </summary>
/// <remarks>
/// Immutable, and compared by reference: a source that reads the same document again hands out the same object, which is how the snapshot
/// builder knows what did not change. <see cref="ContentHash"/> says whether two objects came from equal text.
/// </remarks>
public abstract class Resource
{
    private protected Resource(ResourceKind kind, ResourceMetadata metadata, string apiVersion, string text)
    {
        Key = kind == ResourceKind.MeshConfig ? ResourceKey.Mesh : new ResourceKey(kind, metadata.Namespace, metadata.Name);
        Metadata = metadata;
        ApiVersion = apiVersion;
        Text = text;
        ContentHash = StableHash.Of(text);
    }

    public ResourceKey Key { get; }

    public ResourceMetadata Metadata { get; }

    /// <summary>As written in the document: <c>networking.istio.io/v1</c>.</summary>
    public string ApiVersion { get; }

    /// <summary>The document as written, comments included; a JSON or YAML mapping without <c>---</c> lines.</summary>
    public string Text { get; }

    /// <summary>Stable 64-bit hash of <see cref="Text"/>: equal text gives an equal hash in every process.</summary>
    public ulong ContentHash { get; }

    public string Namespace => Metadata.Namespace;

    public string Name => Metadata.Name;

    /// <summary>The spec as an object, for code that handles all kinds alike.</summary>
    public abstract object UntypedSpec { get; }

    /// <summary>The same resource as if it had been made at another time.</summary>
    public abstract Resource WithAge(DateTimeOffset createdAt);

    /// <summary>Orders resources of one kind: oldest first, then by name, then by namespace (Istio's rule for competing rules).</summary>
    public static int CompareByAge(Resource left, Resource right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        var order = left.Metadata.CreatedAt.CompareTo(right.Metadata.CreatedAt);
        if (order == 0) order = string.CompareOrdinal(left.Name, right.Name);
        return order != 0 ? order : string.CompareOrdinal(left.Namespace, right.Namespace);
    }

    public override string ToString() => Key.ToString();
}

/// <summary>A resource whose spec is a <typeparamref name="TSpec"/>: <c>Resource&lt;VirtualService&gt;</c>.</summary>
[SuppressMessage("Naming", "CA1724", Justification = "The word of the field.")]
public sealed class Resource<TSpec> : Resource
    where TSpec : class
{
    /// <param name="text">The document as written; tests and generated resources may leave it empty.</param>
    public Resource(ResourceKind kind, ResourceMetadata metadata, TSpec spec, string apiVersion = "", string text = "")
        : base(kind, metadata, apiVersion.Length == 0 ? kind.ApiVersion : apiVersion, text) => Spec = spec;

    public TSpec Spec { get; }

    public override object UntypedSpec => Spec;

    public override Resource WithAge(DateTimeOffset createdAt) => new Resource<TSpec>(Key.Kind, Metadata with { CreatedAt = createdAt }, Spec, ApiVersion, Text);
}
