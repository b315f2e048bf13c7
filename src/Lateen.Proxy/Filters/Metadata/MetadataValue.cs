namespace Lateen.Proxy.Filters.Metadata;

/// <summary>
/// One value in a <see cref="DynamicMetadata"/>: a handle by which it is read, and by which a struct or a list is filled. The default is the
/// missing value: reading it finds nothing, writing to it is refused.
/// </summary>
/// <remarks>Valid until the store is reset. Spans are valid until the store is written to. Of the exchange's reactor, as the store is.</remarks>
public readonly struct MetadataValue
{
    private readonly DynamicMetadata? _store;
    private readonly int _index;

    internal MetadataValue(DynamicMetadata store, int index)
    {
        _store = store;
        _index = index;
    }

    public MetadataKind Kind => _store?.KindAt(_index) ?? MetadataKind.Missing;

    public bool IsMissing => _store is null;

    /// <summary>The bytes (UTF-8) of a text; empty for any other kind.</summary>
    public ReadOnlySpan<byte> Text => _store is null ? default : _store.TextAt(_index);

    /// <summary>0 when it is not a number.</summary>
    public double Number => _store?.NumberAt(_index) ?? 0;

    /// <summary>False when it is not a boolean.</summary>
    public bool IsTrue => Kind == MetadataKind.Bool && Number != 0;

    /// <summary>The value under a key of a struct; missing when there is none, or this is no struct.</summary>
    public MetadataValue this[ReadOnlySpan<byte> key] => _store is null ? default : _store.ChildAt(_index, key);

    /// <summary>The first element of a list, or the first value of a struct; missing when it is empty or neither.</summary>
    public MetadataValue First => _store is null ? default : _store.FirstAt(_index);

    /// <summary>The element or value behind this one in its list or struct; missing behind the last.</summary>
    public MetadataValue Next => _store is null ? default : _store.NextAt(_index);

    /// <summary>The key under which this value stands in its struct; empty in a list.</summary>
    public ReadOnlySpan<byte> Key => _store is null ? default : _store.KeyAt(_index);

    /// <summary>Sets a text in a struct; what stood under the key is replaced.</summary>
    /// <returns>False: this is no struct, or the store is full.</returns>
    public bool Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> text) => _store is not null && _store.Put(_index, key, MetadataKind.Text, text, 0) >= 0;

    /// <inheritdoc cref="Set(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>
    public bool Set(ReadOnlySpan<byte> key, double number) => _store is not null && _store.Put(_index, key, MetadataKind.Number, default, number) >= 0;

    /// <inheritdoc cref="Set(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>
    public bool Set(ReadOnlySpan<byte> key, bool value) => _store is not null && _store.Put(_index, key, MetadataKind.Bool, default, value ? 1 : 0) >= 0;

    /// <inheritdoc cref="Set(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>
    public bool SetNull(ReadOnlySpan<byte> key) => _store is not null && _store.Put(_index, key, MetadataKind.Null, default, 0) >= 0;

    /// <summary>Sets an empty struct in a struct; what stood under the key is replaced. Missing when that cannot be done.</summary>
    public MetadataValue SetStruct(ReadOnlySpan<byte> key) => Made(_store?.Put(_index, key, MetadataKind.Struct, default, 0) ?? -1);

    /// <summary>Sets an empty list in a struct; what stood under the key is replaced. Missing when that cannot be done.</summary>
    public MetadataValue SetList(ReadOnlySpan<byte> key) => Made(_store?.Put(_index, key, MetadataKind.List, default, 0) ?? -1);

    /// <summary>Appends a text to a list.</summary>
    /// <returns>False: this is no list, or the store is full.</returns>
    public bool Add(ReadOnlySpan<byte> text) => _store is not null && _store.Append(_index, MetadataKind.Text, text, 0) >= 0;

    /// <inheritdoc cref="Add(ReadOnlySpan{byte})"/>
    public bool Add(double number) => _store is not null && _store.Append(_index, MetadataKind.Number, default, number) >= 0;

    /// <inheritdoc cref="Add(ReadOnlySpan{byte})"/>
    public bool Add(bool value) => _store is not null && _store.Append(_index, MetadataKind.Bool, default, value ? 1 : 0) >= 0;

    /// <inheritdoc cref="Add(ReadOnlySpan{byte})"/>
    public bool AddNull() => _store is not null && _store.Append(_index, MetadataKind.Null, default, 0) >= 0;

    /// <summary>Appends an empty struct to a list. Missing when that cannot be done.</summary>
    public MetadataValue AddStruct() => Made(_store?.Append(_index, MetadataKind.Struct, default, 0) ?? -1);

    /// <summary>Appends an empty list to a list. Missing when that cannot be done.</summary>
    public MetadataValue AddList() => Made(_store?.Append(_index, MetadataKind.List, default, 0) ?? -1);

    private MetadataValue Made(int index) => index < 0 ? default : new MetadataValue(_store!, index);
}
