namespace Lateen.Proxy.Filters.Metadata;

/// <summary>What a value of metadata is: the kinds of a <c>google.protobuf.Value</c>.</summary>
public enum MetadataKind : byte
{
    /// <summary>There is no such value.</summary>
    Missing,

    Null,
    Bool,
    Number,
    Text,
    List,
    Struct,
}
